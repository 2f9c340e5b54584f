# HAProxy. It says whom it connects for to BACKEND, a port of 127.0.0.1: by version 1 (V1), by version 2
# (V2), and by version 2 with all that it can say, from a front that speaks TLS (TLS). And it wants to hear
# that, and answers over HTTP what it has heard (TAKE, and in TLS TAKE_TLS), or says it on, in the one
# version (ON_V1) or the other (ON_V2). For itself it connects to CHECKED, if there is such a port, and wants
# to hear "hello" there.

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
  bind 127.0.0.1:$PORT_TLS ssl crt $FOLDER/both.pem alpn test/1 ca-file $FOLDER/chain.pem verify optional
  unique-id-format id-of-%cp
  default_backend all
frontend on-v1
  bind 127.0.0.1:$PORT_ON_V1 accept-proxy
  default_backend v1
frontend on-v2
  bind 127.0.0.1:$PORT_ON_V2 accept-proxy
  default_backend v2
backend v1
  server us 127.0.0.1:$BACKEND send-proxy
backend v2
  server us 127.0.0.1:$BACKEND send-proxy-v2
backend all
  server us 127.0.0.1:$BACKEND send-proxy-v2-ssl-cn proxy-v2-options ssl,ssl-cipher,authority,crc32c,unique-id
${CHECKED:+
backend checked
  option tcp-check
  tcp-check expect string hello
  server us 127.0.0.1:$CHECKED send-proxy-v2 check
}
frontend take
  mode http
  bind 127.0.0.1:$PORT_TAKE accept-proxy
  bind 127.0.0.1:$PORT_TAKE_TLS accept-proxy ssl crt $FOLDER/both.pem
  http-request return status 200 content-type text/plain lf-string "from %[src]:%[src_port] to %[dst]:%[dst_port] for %[fc_pp_authority] as %[fc_pp_unique_id]"
END

exec haproxy -db -f haproxy.cfg
