/** Files and arguments of nginx and Caddy, by their own words for what the other contenders do. */
import { answer } from '../contenders/settings.ts';

export type FrontName = 'nginx' | 'caddy';

export interface FrontPlan {
  /** Where its files are, and where it may write. */
  readonly folder: string;
  readonly port: number;
  readonly serverName: string;
  readonly mutual: boolean;
  /** The app's port; undefined: it answers itself. */
  readonly upstream: number | undefined;
}

export interface FrontCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** In `folder`. */
  readonly configName: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
}

const body = JSON.stringify(answer);

/** One worker, as there is one process of each of the others; connections to the app are kept alive. */
const nginx = ({ folder, port, serverName, mutual, upstream }: FrontPlan): FrontCommand => ({
  program: 'nginx',
  args: ['-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr'],
  configName: 'nginx.conf',
  env: {},
  config: `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${upstream === undefined ? '' : `upstream app { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }`}
  server {
    listen 127.0.0.1:${port} ssl;
    server_name ${serverName};
    ssl_certificate ${folder}/server.pem;
    ssl_certificate_key ${folder}/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ${mutual ? `ssl_verify_client optional; ssl_client_certificate ${folder}/ca.pem; ssl_session_tickets off;` : ''}
    location / {
      ${
        upstream === undefined
          ? `default_type application/json; return 200 '${body}';`
          : 'proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;'
      }
    }
  }
}
`,
});

const caddy = ({ folder, port, serverName, mutual, upstream }: FrontPlan): FrontCommand => ({
  program: 'caddy',
  args: ['run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'],
  configName: 'Caddyfile',
  // One process of Node runs on about one core as well. It saves its configuration in its home.
  env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, GOMAXPROCS: '1' },
  config: `{
  admin off
  auto_https off
  log {
    level ERROR
  }
  servers {
    protocols h1 h2
  }
}
https://${serverName}:${port} {
  bind 127.0.0.1
  tls ${folder}/server.pem ${folder}/server.key {
    ${mutual ? `client_auth {\n      mode verify_if_given\n      trusted_ca_cert_file ${folder}/ca.pem\n    }` : ''}
  }
  ${
    upstream === undefined
      ? `header Content-Type application/json\n  respond \`${body}\``
      : `reverse_proxy 127.0.0.1:${upstream}`
  }
}
`,
});

const commands: Readonly<Record<FrontName, (plan: FrontPlan) => FrontCommand>> = { nginx, caddy };

export const frontCommand = (name: FrontName, plan: FrontPlan): FrontCommand => commands[name](plan);
