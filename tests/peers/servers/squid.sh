# Squid: CONNECT for anybody (HTTP), for anybody in TLS (HTTPS), and for alice, whose password is "secret"
# (AUTH). To 127.0.0.2 nobody may.

chown proxy .
echo "alice:$(openssl passwd -apr1 secret)" >users

cat >squid.conf <<END
http_port 127.0.0.1:$PORT_HTTP
https_port 127.0.0.1:$PORT_HTTPS tls-cert=$FOLDER/chain.pem tls-key=$FOLDER/key.pem
http_port 127.0.0.1:$PORT_AUTH name=auth
auth_param basic program /usr/lib/squid/basic_ncsa_auth $FOLDER/users
auth_param basic children 1
acl auth myportname auth
acl known proxy_auth REQUIRED
acl never dst 127.0.0.2
acl local dst 127.0.0.0/8 ::1
http_access deny never
http_access deny auth !known
http_access allow local
http_access deny all
cache deny all
cache_mem 1 MB
pid_filename none
cache_log $FOLDER/cache.log
access_log none
coredump_dir $FOLDER
cache_effective_user proxy
shutdown_lifetime 1 seconds
netdb_filename none
pinger_enable off
visible_hostname proxy.test
END

exec squid -N -f squid.conf
