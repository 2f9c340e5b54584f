# PostgreSQL: TLS by its SSLRequest. It lets alice in without a password, but in TLS only; or, if PLAIN is set,
# in plain only.

bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as_postgres="setpriv --reuid=postgres --regid=postgres --init-groups"
chown -R postgres .
chmod 600 key.pem

$as_postgres "$bin/initdb" -D db -U alice -A trust -E UTF8 --locale=C --no-sync
cat >>db/postgresql.conf <<END
listen_addresses = '127.0.0.1'
port = $PORT_POSTGRES
unix_socket_directories = ''
ssl = on
ssl_cert_file = '$FOLDER/chain.pem'
ssl_key_file = '$FOLDER/key.pem'
fsync = off
END
echo "host${PLAIN:+no}ssl all alice 127.0.0.1/32 trust" >db/pg_hba.conf

# It answers before it lets anybody in.
touch starting
(
    until "$bin/pg_isready" --quiet --host 127.0.0.1 --port "$PORT_POSTGRES"; do sleep 0.05; done
    rm starting
) &
exec $as_postgres "$bin/postgres" -D db
