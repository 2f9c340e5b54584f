# Postfix: SMTP with STARTTLS. It queues what it accepts for anybody at peer.test. SMTP_PROXY, if there is such
# a port, wants to hear first from a proxy who it is.

mkdir -p etc spool/pid data
cd spool
mkdir -p active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace
chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace ../data
chown postfix:postdrop maildrop public
chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
chmod 730 maildrop
chmod 710 public
cd ..

cat >etc/main.cf <<END
compatibility_level = 3.6
queue_directory = $FOLDER/spool
data_directory = $FOLDER/data
maillog_file = $FOLDER/maillog
maillog_file_prefixes = $FOLDER
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = peer.test
mydestination =
virtual_mailbox_domains = peer.test
alias_maps =
smtpd_tls_security_level = may
smtpd_tls_chain_files = $FOLDER/key.pem, $FOLDER/chain.pem
# Nobody empties the queue, so nobody is to wait for that.
in_flow_delay = 0
END
cat >etc/master.cf <<END
127.0.0.1:$PORT_SMTP inet n - n - - smtpd
${PORT_SMTP_PROXY:+127.0.0.1:$PORT_SMTP_PROXY inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy}
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
END

# It waits until what it reads is no longer new.
touch -d yesterday etc/*.cf

exec /usr/lib/postfix/sbin/master -d -c "$FOLDER/etc"
