import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManagerFactory;

/**
 * Asks questions over HTTPS with java.net.http.HttpClient, and says what JSSE itself knows of each connection. A question
 * is a line of fields with tabs between them, an answer a line of JSON: Java's library has no JSON.
 */
public final class Client {
    private static final char[] NO_PASSWORD = new char[0];

    /** The fields of a line. Without a certificate, ciphers or a second connection the field is empty. */
    private static final class Ask {
        final String port, serverName, ca, version, http, path, cert, key, ciphers;
        final boolean again;

        Ask(String line) {
            String[] field = line.split("\t", -1);
            port = field[0];
            serverName = field[1];
            ca = field[2];
            version = field[3];
            http = field[4];
            path = field[5];
            cert = field[6];
            key = field[7];
            ciphers = field[8];
            again = field[9].equals("again");
        }
    }

    public static void main(String[] arguments) throws Exception {
        // Else it would not offer what it has to be refused with.
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        List<String> results = new ArrayList<>();
        String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        for (String line : input.split("\n")) results.add(result(new Ask(line)));
        System.out.println("[" + String.join(",", results) + "]");
        // The threads of the clients would stay for a while.
        System.exit(0);
    }

    private static String result(Ask ask) {
        try {
            SSLContext context = contextOf(ask);
            String answer = answer(ask, context);
            return "{\"answer\":" + (ask.again ? answer(ask, context) : answer) + "}";
        } catch (java.io.IOException error) {
            return "{\"refused\":" + quote(error.toString()) + "}";
        } catch (Exception error) {
            return "{\"failed\":" + quote(error.toString()) + "}";
        }
    }

    /** Of each client a new one: none of its connections is used twice. The context keeps the sessions. */
    private static String answer(Ask ask, SSLContext context) throws Exception {
        SSLParameters parameters = new SSLParameters();
        parameters.setProtocols(new String[] {ask.version});
        if (!ask.ciphers.isEmpty()) parameters.setCipherSuites(ask.ciphers.split(","));
        boolean two = ask.http.equals("h2");
        HttpClient client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters)
            .version(two ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(20)).build();
        URI uri = URI.create("https://" + ask.serverName + ":" + ask.port + ask.path);
        HttpRequest request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(30)).build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (two != (response.version() == HttpClient.Version.HTTP_2))
            throw new IllegalStateException("spoke " + response.version());
        SSLSession session = response.sslSession().get();
        return "{\"status\":" + response.statusCode() + ",\"body\":" + quote(response.body())
            + ",\"protocol\":" + quote(session.getProtocol()) + ",\"cipher\":" + quote(session.getCipherSuite())
            // It offers ALPN for HTTP/2 only.
            + ",\"alpn\":" + quote(two ? "h2" : "")
            + ",\"serverFingerprint\":" + quote(hash(session.getPeerCertificates()[0])) + "}";
    }

    private static SSLContext contextOf(Ask ask) throws Exception {
        KeyStore trusted = newStore();
        trusted.setCertificateEntry("ca", certificates(ask.ca).get(0));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyStore own = newStore();
        if (!ask.cert.isEmpty()) {
            List<X509Certificate> chain = certificates(ask.cert);
            byte[] der = Base64.getMimeDecoder().decode(
                Files.readString(Path.of(ask.key)).replaceAll("-----[A-Z ]+-----", ""));
            KeyFactory factory = KeyFactory.getInstance(chain.get(0).getPublicKey().getAlgorithm());
            own.setKeyEntry("client", factory.generatePrivate(new PKCS8EncodedKeySpec(der)), NO_PASSWORD,
                chain.toArray(new Certificate[0]));
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, NO_PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static KeyStore newStore() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, NO_PASSWORD);
        return store;
    }

    private static List<X509Certificate> certificates(String file) throws Exception {
        List<X509Certificate> all = new ArrayList<>();
        byte[] pem = Files.readAllBytes(Path.of(file));
        for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)))
            all.add((X509Certificate) one);
        return all;
    }

    private static String hash(Certificate certificate) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
        return String.format("%064x", new BigInteger(1, digest));
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter == '"' || letter == '\\' || letter < ' ') quoted.append(String.format("\\u%04x", (int) letter));
            else quoted.append(letter);
        }
        return quoted.append('"').toString();
    }
}
