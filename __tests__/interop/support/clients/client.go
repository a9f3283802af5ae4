// Asks questions over HTTPS with net/http, and says in JSON what crypto/tls itself knows of each connection.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

type identity struct{ Cert, Key string }

type again struct {
	// Absent: as the same; null: as nobody.
	Identity json.RawMessage
}

type ask struct {
	Port       int
	ServerName string
	CA         string
	Version    string
	HTTP       string
	Path       string
	Identity   *identity
	Ciphers    []string
	Again      *again
}

type answer struct {
	Status            int    `json:"status"`
	Body              string `json:"body"`
	Protocol          string `json:"protocol"`
	Cipher            string `json:"cipher"`
	ALPN              string `json:"alpn"`
	Resumed           bool   `json:"resumed"`
	ServerFingerprint string `json:"serverFingerprint"`
}

type result struct {
	Answer  *answer `json:"answer,omitempty"`
	Refused string  `json:"refused,omitempty"`
	Failed  string  `json:"failed,omitempty"`
}

var versions = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
}

func nameOf(version uint16) string {
	for name, number := range versions {
		if number == version {
			return name
		}
	}
	return fmt.Sprint(version)
}

func ciphersOf(names []string) (ids []uint16) {
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		for _, name := range names {
			if suite.Name == name {
				ids = append(ids, suite.ID)
			}
		}
	}
	return
}

func configOf(question ask, who *identity, sessions tls.ClientSessionCache) (*tls.Config, error) {
	pem, err := os.ReadFile(question.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	version := versions[question.Version]
	config := &tls.Config{
		RootCAs: roots, ServerName: question.ServerName, MinVersion: version, MaxVersion: version,
		CipherSuites: ciphersOf(question.Ciphers), ClientSessionCache: sessions, NextProtos: []string{"http/1.1"},
	}
	if question.HTTP == "h2" {
		config.NextProtos = []string{"h2"}
	}
	if who != nil {
		pair, err := tls.LoadX509KeyPair(who.Cert, who.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func get(question ask, config *tls.Config) result {
	dialer := net.Dialer{Timeout: 20 * time.Second}
	transport := &http.Transport{
		TLSClientConfig:   config,
		ForceAttemptHTTP2: question.HTTP == "h2",
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", question.Port))
		},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 30 * time.Second}
	response, err := client.Get(fmt.Sprintf("https://%s:%d%s", question.ServerName, question.Port, question.Path))
	if err != nil {
		return result{Refused: err.Error()}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return result{Failed: err.Error()}
	}
	if got := fmt.Sprintf("h%d", response.ProtoMajor); got != question.HTTP {
		return result{Failed: "spoke " + got}
	}
	state := response.TLS
	hash := sha256.Sum256(state.PeerCertificates[0].Raw)
	return result{Answer: &answer{
		Status: response.StatusCode, Body: string(body), Protocol: nameOf(state.Version),
		Cipher: tls.CipherSuiteName(state.CipherSuite), ALPN: state.NegotiatedProtocol, Resumed: state.DidResume,
		ServerFingerprint: hex.EncodeToString(hash[:]),
	}}
}

func attempt(question ask, who *identity, sessions tls.ClientSessionCache) result {
	config, err := configOf(question, who, sessions)
	if err != nil {
		return result{Failed: err.Error()}
	}
	return get(question, config)
}

func both(question ask) result {
	sessions := tls.NewLRUClientSessionCache(8)
	first := attempt(question, question.Identity, sessions)
	if question.Again == nil || first.Answer == nil {
		return first
	}
	who := question.Identity
	if question.Again.Identity != nil {
		who = nil
		if err := json.Unmarshal(question.Again.Identity, &who); err != nil {
			return result{Failed: err.Error()}
		}
	}
	return attempt(question, who, sessions)
}

func main() {
	var questions []ask
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		panic(err)
	}
	results := make([]result, len(questions))
	for index, question := range questions {
		results[index] = both(question)
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}
