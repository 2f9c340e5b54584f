#!/bin/sh
# Becomes the server that the script $1 describes, for as long as somebody holds the other end of
# the standard input: however a test ends, what it started ends too.
#
# It is the leader of its own process group. The script finds its place in FOLDER, and the ports
# that it is to listen on, at 127.0.0.1, in PORT_IMAP and the like.
set -eu
umask 022
PATH=$PATH:/usr/sbin:/sbin
exec 3<&0 </dev/null
{
    trap '' INT TERM
    cat <&3 >/dev/null
    kill -TERM 0
    kill -INT 0 # PostgreSQL takes TERM as leave to wait for its clients.
    sleep 5
    rm -rf "$FOLDER" # A test that was killed has not done so.
    kill -KILL 0
} &
exec 3<&-
cd "$FOLDER"
. "$1"
