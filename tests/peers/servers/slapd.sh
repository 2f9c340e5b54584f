# slapd: LDAP with StartTLS. In TLS only one may bind, as cn=alice,dc=peer,dc=test with "secret".

mkdir db
cat >slapd.conf <<END
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile $FOLDER/chain.pem
TLSCertificateKeyFile $FOLDER/key.pem
security simple_bind=128
database mdb
suffix dc=peer,dc=test
rootdn cn=alice,dc=peer,dc=test
rootpw secret
directory $FOLDER/db
END
chown -R openldap .

exec slapd -d none -f slapd.conf -h "ldap://127.0.0.1:$PORT_LDAP/" -u openldap -g openldap
