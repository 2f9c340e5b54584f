# INN: nnrpd, which has STARTTLS and COMPRESS, and innd, who keeps what is posted there. The user is
# alice, with the password "secret"; the group is peer.test.

# Its programs call each other as news, who may not look into every folder.
cp -R "$(dirname "$1")/../../../target/peers-unpacked/usr/lib/news/." .
mkdir -p db etc log run tmp spool/articles spool/overview spool/incoming/tmp

cat >etc/inn.conf <<END
mta: "/bin/false"
domain: peer.test
pathhost: peer.test
pathnews: $FOLDER
pathtmp: $FOLDER/tmp
hismethod: hisv6
ovmethod: tradindexed
enableoverview: true
bindaddress: 127.0.0.1
port: $PORT_FEED
tlscertfile: $FOLDER/chain.pem
tlskeyfile: $FOLDER/key.pem
END
cat >etc/storage.conf <<END
method tradspool {
  newsgroups: *
  class: 0
}
END
cat >etc/incoming.conf <<END
peer ME {
  hostname: "127.0.0.1"
}
END
echo 'ME:*::' >etc/newsfeeds
cat >etc/readers.conf <<END
auth all {
  auth: "ckpasswd -f $FOLDER/users"
}
access all {
  users: *
  newsgroups: *
  access: RPA
}
END
echo "alice:$(openssl passwd -6 secret)" >users
cat >db/active <<END
control 0000000000 0000000001 n
control.cancel 0000000000 0000000001 n
junk 0000000000 0000000001 n
peer.test 0000000000 0000000001 y
END
touch db/history
chown -R news:news .
chmod 600 key.pem

as_news="setpriv --reuid=news --regid=news --init-groups"
export INNCONF="$FOLDER/etc/inn.conf" LD_LIBRARY_PATH="$FOLDER"
$as_news bin/makedbz -i -o
$as_news bin/innd -f &
# nnrpd knows the groups only once innd has entered them.
until [ -e run/innd.pid ]; do
    kill -0 $!
    sleep 0.05
done
exec $as_news bin/nnrpd -D -f -b 127.0.0.1 -p "$PORT_NNTP"
