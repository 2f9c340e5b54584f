# Dante: SOCKS5 for anybody (OPEN), and for users of the system (CLOSED). To 127.0.0.2 nobody may.

# Not everywhere is there IPv6.
external=127.0.0.1
if grep -qs ' lo$' /proc/net/if_inet6; then
    external="$external ::1"
fi

{
    printf 'external: %s\n' $external
    cat <<END
external.rotation: route
internal: 127.0.0.1 port = $PORT_OPEN
internal: 127.0.0.1 port = $PORT_CLOSED
logoutput: stderr
user.privileged: root
user.unprivileged: nobody
clientmethod: none
socksmethod: none username
client pass {
  from: 127.0.0.0/8 to: 127.0.0.1/32 port = $PORT_OPEN
  socksmethod: none
}
client pass {
  from: 127.0.0.0/8 to: 127.0.0.1/32 port = $PORT_CLOSED
  socksmethod: username
}
socks block { from: 0/0 to: 127.0.0.2/32 }
socks pass { from: 127.0.0.0/8 to: 0/0 command: connect }
END
} >danted.conf

exec danted -f danted.conf -p pid
