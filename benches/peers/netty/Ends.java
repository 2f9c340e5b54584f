import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.Version;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;

/**
 * Both ends for Netty, with the JDK's TLS or OpenSSL's. What they say to each other is told in
 * ../src/main.rs.
 *
 * <pre>Ends jdk|openssl about | serve | load PORT</pre>
 */
final class Ends {
    static final int CHUNK = 64 << 10;
    static final int PING = 64;
    static final String LINE = "hello\n";
    static final String GO_AHEAD = "go ahead\n";
    static final File CERTIFICATE = new File("certificate.pem");

    public static void main(String[] args) throws Exception {
        System.setProperty("jdk.tls.namedGroups", "x25519");
        System.setProperty("jdk.tls.server.newSessionTicketCount", "0");
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        SslProvider provider = SslProvider.valueOf(args[0].toUpperCase());
        switch (args[1]) {
            case "about":
                System.out.println(about(provider));
                break;
            case "serve":
                serve(context(SslContextBuilder.forServer(CERTIFICATE, new File("key.pem")), provider));
                break;
            default:
                SslContextBuilder client = SslContextBuilder.forClient().trustManager(CERTIFICATE);
                new Client(Integer.parseInt(args[2]), context(client, provider)).load();
        }
    }

    static String about(SslProvider provider) {
        String netty = Version.identify().get("netty-transport").artifactVersion();
        String about = "Netty " + netty + ", JDK " + Runtime.version() + ", NIO; an event loop an end";
        return provider == SslProvider.JDK
                ? about
                : about + "; " + OpenSsl.versionString() + ", whose session tickets nobody uses";
    }

    static SslContext context(SslContextBuilder builder, SslProvider provider) throws Exception {
        return builder.sslProvider(provider)
                .protocols("TLSv1.3")
                .ciphers(List.of("TLS_AES_128_GCM_SHA256"))
                .build();
    }

    /** Adds TLS to a live channel, and runs `then` when the handshake is done. */
    static void startTls(Channel channel, SslHandler tls, Runnable then) {
        channel.pipeline().addFirst(tls);
        tls.handshakeFuture().addListener(handshake -> {
            if (!handshake.isSuccess()) {
                fail(handshake.cause());
            }
            SSLSession session = tls.engine().getSession();
            if (!session.getProtocol().equals("TLSv1.3")
                    || !session.getCipherSuite().equals("TLS_AES_128_GCM_SHA256")) {
                fail(new IllegalStateException(session + " was negotiated"));
            }
            then.run();
        });
    }

    /** A program that measured something else must not go on. */
    static void fail(Throwable cause) {
        cause.printStackTrace();
        Runtime.getRuntime().halt(1);
    }

    static ByteBuf text(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    /** Bytes that are sent again and again, and never copied on the heap. */
    static ByteBuf zeros(int count) {
        return Unpooled.unreleasableBuffer(Unpooled.directBuffer(count).writeZero(count));
    }

    /** Reads a line with nothing behind it. */
    abstract static class Line extends SimpleChannelInboundHandler<ByteBuf> {
        private final StringBuilder line = new StringBuilder();

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
            line.append(bytes.toString(StandardCharsets.US_ASCII));
            if (line.charAt(line.length() - 1) == '\n') {
                read(context, line.toString());
            }
        }

        abstract void read(ChannelHandlerContext context, String line);

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            fail(cause);
        }
    }

    // The server.

    static void serve(SslContext tls) throws Exception {
        EventLoopGroup loop = new NioEventLoopGroup(1);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(CHUNK))
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(new Greeting(tls));
                    }
                });
        Channel listener = bootstrap.bind("127.0.0.1", 0).sync().channel();
        System.out.println(((InetSocketAddress) listener.localAddress()).getPort());
    }

    /** Reads the line that says what is to be done. */
    static final class Greeting extends Line {
        private final SslContext tls;

        Greeting(SslContext tls) {
            this.tls = tls;
        }

        @Override
        void read(ChannelHandlerContext context, String line) {
            String[] words = line.trim().split(" ");
            context.writeAndFlush(text(GO_AHEAD));
            context.pipeline().addLast(
                    words[1].equals("echo") ? new Echo() : new Sink(Long.parseLong(words[2])));
            context.pipeline().remove(this);
            if (words[0].equals("tls")) {
                startTls(context.channel(), tls.newHandler(context.alloc()), () -> {});
            }
        }
    }

    static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object bytes) {
            context.writeAndFlush(bytes);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            // The client has gone.
            context.close();
        }
    }

    /** Counts, and says when all is there. */
    static final class Sink extends SimpleChannelInboundHandler<ByteBuf> {
        private final long count;
        private long received;

        Sink(long count) {
            this.count = count;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
            received += bytes.readableBytes();
            if (received >= count) {
                context.writeAndFlush(text(received + "\n"));
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    // The client.

    static final class Client {
        private final Bootstrap bootstrap;
        private final SslContext tls;

        Client(int port, SslContext tls) {
            this.tls = tls;
            bootstrap = new Bootstrap()
                    .group(new NioEventLoopGroup(1))
                    .channel(NioSocketChannel.class)
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.SO_LINGER, 0)
                    .option(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(CHUNK))
                    .remoteAddress("127.0.0.1", port);
        }

        void load() throws Exception {
            BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
            for (String order; (order = orders.readLine()) != null; ) {
                String[] words = order.split(" ");
                System.out.println(run(words[0], words[1].equals("tls"), Integer.parseInt(words[2])));
            }
            System.exit(0);
        }

        private long run(String work, boolean secure, int count) throws Exception {
            CompletableFuture<Long> took = new CompletableFuture<>();
            switch (work) {
                case "bulk":
                    connect(secure, "sink " + count, new Bulk(count, took));
                    return took.get();
                case "pingpong":
                    connect(secure, "echo", new Exchange(zeros(PING), count, took));
                    return took.get();
                default:
                    long start = System.nanoTime();
                    upgrade(secure, count, took);
                    took.get();
                    return System.nanoTime() - start;
            }
        }

        /** One connection behind the other, none of which leaves the event loop. */
        private void upgrade(boolean secure, int left, CompletableFuture<Long> took) {
            if (left == 0) {
                took.complete(0L);
                return;
            }
            CompletableFuture<Long> one = new CompletableFuture<>();
            one.thenRun(() -> upgrade(secure, left - 1, took));
            connect(secure, "echo", new Exchange(Unpooled.unreleasableBuffer(text(LINE)), 1, one));
        }

        private void connect(boolean secure, String work, Started then) {
            String line = (secure ? "tls " : "plain ") + work + "\n";
            ChannelFuture connected = bootstrap.clone().handler(new Line() {
                @Override
                public void channelActive(ChannelHandlerContext context) {
                    context.writeAndFlush(text(line));
                }

                @Override
                void read(ChannelHandlerContext context, String answer) {
                    if (!answer.equals(GO_AHEAD)) {
                        fail(new IllegalStateException(answer));
                    }
                    Channel channel = context.channel();
                    channel.pipeline().addLast(then);
                    channel.pipeline().remove(this);
                    if (secure) {
                        startTls(channel, handler(channel), () -> then.start(channel));
                    } else {
                        then.start(channel);
                    }
                }
            }).connect();
            connected.addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
        }

        /** Without an address, no session is kept to be resumed; the name is asked for and verified. */
        private SslHandler handler(Channel channel) {
            SslHandler handler = tls.newHandler(channel.alloc());
            SSLParameters parameters = handler.engine().getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName("localhost")));
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            handler.engine().setSSLParameters(parameters);
            return handler;
        }
    }

    /** What begins when it is told, and says how long it took. */
    abstract static class Started extends SimpleChannelInboundHandler<ByteBuf> {
        private final CompletableFuture<Long> took;
        private long start;

        Started(CompletableFuture<Long> took) {
            this.took = took;
        }

        void start(Channel channel) {
            start = System.nanoTime();
            write(channel);
        }

        abstract void write(Channel channel);

        void done(Channel channel) {
            long nanos = System.nanoTime() - start;
            channel.close();
            took.complete(nanos);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            fail(cause);
        }
    }

    static final class Bulk extends Started {
        private final ByteBuf chunk = zeros(CHUNK);
        private final StringBuilder answer = new StringBuilder();
        private final int count;
        private int left;

        Bulk(int count, CompletableFuture<Long> took) {
            super(took);
            this.count = count;
            left = count;
        }

        @Override
        void write(Channel channel) {
            while (left > 0 && channel.isWritable()) {
                left -= CHUNK;
                channel.writeAndFlush(chunk.duplicate());
            }
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            write(context.channel());
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
            answer.append(bytes.toString(StandardCharsets.US_ASCII));
            if (answer.charAt(answer.length() - 1) != '\n') {
                return;
            }
            if (Integer.parseInt(answer.toString().trim()) != count) {
                fail(new IllegalStateException(answer + " arrived"));
            }
            done(context.channel());
        }
    }

    /** Sends bytes, and waits for their echo, over and over. */
    static final class Exchange extends Started {
        private final ByteBuf chunk;
        private final ByteBuf answer;
        private int left;

        Exchange(ByteBuf chunk, int count, CompletableFuture<Long> took) {
            super(took);
            this.chunk = chunk;
            answer = Unpooled.buffer(chunk.readableBytes());
            left = count;
        }

        @Override
        void write(Channel channel) {
            channel.writeAndFlush(chunk.duplicate());
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
            answer.writeBytes(bytes);
            if (answer.readableBytes() < chunk.readableBytes()) {
                return;
            }
            if (!answer.equals(chunk)) {
                fail(new IllegalStateException("another echo"));
            }
            answer.clear();
            if (--left > 0) {
                write(context.channel());
            } else {
                done(context.channel());
            }
        }
    }
}
