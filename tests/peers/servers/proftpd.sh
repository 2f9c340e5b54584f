# ProFTPD: FTP with AUTH TLS and CCC. The user is alice, with the password "secret".

mkdir home
chown nobody home
chmod 600 key.pem
echo "alice:$(openssl passwd -6 secret):$(id -u nobody):$(id -g nobody)::$FOLDER/home:/bin/sh" >users
chmod 600 users

cat >proftpd.conf <<END
ModulePath /usr/lib/proftpd
LoadModule mod_tls.c
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
Port $PORT_FTP
UseIPv6 off
UseReverseDNS off
PidFile $FOLDER/pid
ScoreboardFile $FOLDER/scoreboard
SystemLog $FOLDER/system.log
DelayEngine off
AuthOrder mod_auth_file.c
AuthUserFile $FOLDER/users
RequireValidShell off
User nobody
Group nogroup
TLSEngine on
TLSLog $FOLDER/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSECCertificateFile $FOLDER/chain.pem
TLSECCertificateKeyFile $FOLDER/key.pem
END

exec proftpd --nodaemon --config "$FOLDER/proftpd.conf"
