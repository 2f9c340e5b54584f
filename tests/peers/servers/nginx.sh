# nginx: HTTP/1.1 and HTTP/2 in TLS. It answers with the version, and the number of the connection. HTTPS
# keeps idle connections, IDLE ends them after a second. /numbers is some large text.

seq 200000 >numbers
cat >nginx.conf <<END
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {
}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ssl_certificate chain.pem;
  ssl_certificate_key key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  root $FOLDER;
  server {
    listen 127.0.0.1:$PORT_HTTPS ssl http2;
    location = / {
      return 200 "\$server_protocol \$connection";
    }
  }
  server {
    listen 127.0.0.1:$PORT_IDLE ssl http2;
    keepalive_timeout 1s;
    location = / {
      return 200 "\$server_protocol \$connection";
    }
  }
}
END

exec nginx -p "$FOLDER" -c nginx.conf -e stderr
