// Both ends for Go: its standard library alone. What they say to each other is told in
// ../src/main.rs.
//
//	ends about | serve | load PORT
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"
)

const (
	chunk   = 64 << 10
	ping    = 64
	line    = "hello\n"
	goAhead = "go ahead\n"
)

func main() {
	switch os.Args[1] {
	case "about":
		fmt.Printf("%s, crypto/tls; a goroutine an end\n", runtime.Version())
	case "serve":
		serve()
	case "load":
		load(os.Args[2])
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func checkTLS(conn *tls.Conn) {
	check(conn.Handshake())
	state := conn.ConnectionState()
	if state.Version != tls.VersionTLS13 || state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 || state.DidResume {
		panic("another suite, or a session resumed")
	}
}

func config() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true,
		// Else the first records are small, which does a measurement of bulk no good.
		DynamicRecordSizingDisabled: true,
	}
}

// readLine reads a line with nothing behind it.
func readLine(from io.Reader) string {
	var text []byte
	part := make([]byte, 256)
	for !bytes.HasSuffix(text, []byte("\n")) {
		n, err := from.Read(part)
		check(err)
		text = append(text, part[:n]...)
	}
	return string(text)
}

// The server.

func serve() {
	certificate, err := tls.LoadX509KeyPair("certificate.pem", "key.pem")
	check(err)
	server := config()
	server.Certificates = []tls.Certificate{certificate}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		check(err)
		go answer(conn, server)
	}
}

func answer(conn net.Conn, server *tls.Config) {
	defer conn.Close()
	var security, work string
	var count int
	// Echo has no count.
	fmt.Sscan(readLine(conn), &security, &work, &count)
	_, err := io.WriteString(conn, goAhead)
	check(err)
	if security == "tls" {
		upgraded := tls.Server(conn, server)
		checkTLS(upgraded)
		conn = upgraded
	}
	buffer := make([]byte, chunk)
	if work == "sink" {
		for left := count; left > 0; {
			n, err := conn.Read(buffer)
			check(err)
			if left -= n; left < 0 {
				panic("more than was announced")
			}
		}
		_, err := fmt.Fprintf(conn, "%d\n", count)
		check(err)
	}
	// An echo, or nothing, until the client goes.
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// The client.

func load(port string) {
	certificate, err := os.ReadFile("certificate.pem")
	check(err)
	client := config()
	client.ServerName = "localhost"
	client.RootCAs = x509.NewCertPool()
	client.RootCAs.AppendCertsFromPEM(certificate)
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var work, security string
		var count int
		_, err := fmt.Sscan(orders.Text(), &work, &security, &count)
		check(err)
		fmt.Println(run(work, count, func(work string) net.Conn {
			return connect(port, security, work, client)
		}).Nanoseconds())
	}
}

func run(work string, count int, connect func(string) net.Conn) time.Duration {
	switch work {
	case "bulk":
		conn := connect(fmt.Sprintf("sink %d", count))
		defer conn.Close()
		return bulk(conn, count)
	case "pingpong":
		conn := connect("echo")
		defer conn.Close()
		return exchange(conn, make([]byte, ping), count)
	default:
		start := time.Now()
		for i := 0; i < count; i++ {
			conn := connect("echo")
			exchange(conn, []byte(line), 1)
			conn.Close()
		}
		return time.Since(start)
	}
}

func connect(port, security, work string, client *tls.Config) net.Conn {
	conn, err := net.Dial("tcp4", "127.0.0.1:"+port)
	check(err)
	// Go switches delays off by itself.
	check(conn.(*net.TCPConn).SetLinger(0))
	_, err = fmt.Fprintf(conn, "%s %s\n", security, work)
	check(err)
	if answer := readLine(conn); answer != goAhead {
		panic(answer)
	}
	if security == "tls" {
		upgraded := tls.Client(conn, client)
		checkTLS(upgraded)
		return upgraded
	}
	return conn
}

func bulk(conn net.Conn, count int) time.Duration {
	buffer := make([]byte, chunk)
	start := time.Now()
	for left := count; left > 0; left -= chunk {
		_, err := conn.Write(buffer)
		check(err)
	}
	answer := readLine(conn)
	took := time.Since(start)
	if answer != fmt.Sprintf("%d\n", count) {
		panic(answer + " arrived")
	}
	return took
}

func exchange(conn net.Conn, chunk []byte, count int) time.Duration {
	answer := make([]byte, len(chunk))
	start := time.Now()
	for i := 0; i < count; i++ {
		_, err := conn.Write(chunk)
		check(err)
		_, err = io.ReadFull(conn, answer)
		check(err)
		if !bytes.Equal(answer, chunk) {
			panic("another echo")
		}
	}
	return time.Since(start)
}
