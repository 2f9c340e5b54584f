# Prosody: XMPP with STARTTLS. The user is alice@localhost, with the password "secret".

mkdir -p data/localhost/accounts
echo 'return { password = "secret" }' >data/localhost/accounts/alice.dat

cat >prosody.cfg.lua <<END
run_as_root = true
pidfile = "$FOLDER/pid"
data_path = "$FOLDER/data"
interfaces = { "127.0.0.1" }
c2s_ports = { $PORT_XMPP }
c2s_direct_tls_ports = { }
modules_enabled = { "saslauth", "tls" }
modules_disabled = { "admin_socket", "s2s" }
authentication = "internal_plain"
c2s_require_encryption = true
ssl = { key = "$FOLDER/key.pem", certificate = "$FOLDER/chain.pem" }
log = { info = "*console" }
VirtualHost "localhost"
END

exec prosody -F --config "$FOLDER/prosody.cfg.lua"
