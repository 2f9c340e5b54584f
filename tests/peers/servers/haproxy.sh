# HAProxy. It says whom it connects for to BACKEND, a port of 127.0.0.1: by version 1 (V1), by version 2
# (V2), and by version 2 with all that it can say, from a front that speaks TLS (TLS). And it wants to hear
# that (TAKE), and answers over HTTP what it has heard.

cat chain.pem key.pem >both.pem

cat >haproxy.cfg <<END
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend v1
  bind 127.0.0.1:$PORT_V1
  default_backend v1
frontend v2
  bind 127.0.0.1:$PORT_V2
  default_backend v2
frontend tls
  bind 127.0.0.1:$PORT_TLS ssl crt $FOLDER/both.pem alpn test/1
  unique-id-format id-of-%cp
  default_backend all
backend v1
  server us 127.0.0.1:$BACKEND send-proxy
backend v2
  server us 127.0.0.1:$BACKEND send-proxy-v2
backend all
  server us 127.0.0.1:$BACKEND send-proxy-v2-ssl-cn proxy-v2-options ssl,ssl-cipher,authority,crc32c,unique-id
frontend take
  mode http
  bind 127.0.0.1:$PORT_TAKE accept-proxy
  http-request return status 200 content-type text/plain lf-string "from %[src]:%[src_port] to %[dst]:%[dst_port] for %[fc_pp_authority] as %[fc_pp_unique_id]"
END

exec haproxy -db -f haproxy.cfg
