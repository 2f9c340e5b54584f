# Dovecot: IMAP with STARTTLS and COMPRESS, IMAP in TLS, and POP3 with STLS. The user is alice, with the
# password "secret", and may log in in plain, too. IMAP_PROXY and POP3_PROXY, if there are such, want to hear
# first from a proxy who it is.

mkdir mail
chown nobody mail
echo 'alice:{PLAIN}secret' >users

cat >dovecot.conf <<END
base_dir = $FOLDER/run
log_path = $FOLDER/log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <$FOLDER/chain.pem
ssl_key = <$FOLDER/key.pem
ssl_min_protocol = TLSv1.2
mail_location = maildir:$FOLDER/mail/%u
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = $FOLDER/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$FOLDER/mail/%u
}
protocol imap {
  mail_plugins = imap_zlib
}
disable_plaintext_auth = no
haproxy_trusted_networks = 127.0.0.0/8
service imap-login {
  inet_listener imap_proxy {
    port = ${PORT_IMAP_PROXY:-0}
    haproxy = yes
  }
  inet_listener imap {
    port = $PORT_IMAP
  }
  inet_listener imaps {
    port = $PORT_IMAPS
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3_proxy {
    port = ${PORT_POP3_PROXY:-0}
    haproxy = yes
  }
  inet_listener pop3 {
    port = $PORT_POP3
  }
  inet_listener pop3s {
    port = 0
  }
}
END

exec dovecot -F -c "$FOLDER/dovecot.conf"
