# microsocks: SOCKS5 for anybody (OPEN), and for alice, whose password is "secret" (CLOSED).

microsocks -i 127.0.0.1 -p "$PORT_CLOSED" -u alice -P secret &
exec microsocks -i 127.0.0.1 -p "$PORT_OPEN"
