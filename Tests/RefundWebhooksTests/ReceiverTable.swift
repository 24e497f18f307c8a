/// A receiver's URL, an address that its host resolves to, and whether webhooks may be sent there.
///
/// In every attack, somebody sets a callback URL that makes the daemon post into its own network.
struct Receiver: Sendable {
    enum Verdict: Sendable {
        /// Allowed with an empty `allow_hosts`.
        case allowed
        /// Allowed by each of these entries, and refused without.
        case under([String])
        /// Refused whatever `allow_hosts` contains; the message contains this text.
        case never(String)
    }

    let url: String
    /// The address that the host name resolves to; nil if the URL contains an address or is invalid.
    let resolvesTo: String?
    let verdict: Verdict

    init(_ url: String, resolvesTo: String? = nil, _ verdict: Verdict) {
        self.url = url
        self.resolvesTo = resolvesTo
        self.verdict = verdict
    }

    static let table = internet + ownNetwork + embedded + neverAllowed + spellings + notURLs

    private static let internet = [
        Receiver("https://shop.example/hook", resolvesTo: "8.8.8.8", .allowed),
        Receiver("https://shop.example./hook", resolvesTo: "2a00:1450:4001:829::200e", .allowed),
        Receiver("https://shop.example:8443/hook?token=x", resolvesTo: "8.8.8.8", .allowed),
        Receiver("HTTPS://SHOP.EXAMPLE/hook", resolvesTo: "8.8.8.8", .allowed),
        Receiver("https://8.8.8.8/", .allowed),
        Receiver("https://[2001:4860:4860::8888]/", .allowed),
        Receiver("https://[::ffff:8.8.8.8]/", .allowed),
        Receiver("https://xn--bcher-kva.example/", resolvesTo: "8.8.8.8", .allowed),
        Receiver("https://127.0.0.1.nip.example/", resolvesTo: "8.8.8.8", .allowed),
        // Anybody on the path can read plain http, so it must be allowed even to internet addresses.
        Receiver(
            "http://shop.example/",
            resolvesTo: "8.8.8.8",
            .under(["shop.example", "shop.example:80", "8.8.8.0/24"])
        ),
        Receiver("http://8.8.8.8:8080/", .under(["8.8.8.8", "8.8.8.8:8080"])),
    ]

    private static let ownNetwork = [
        Receiver("https://127.0.0.1/", .under(["127.0.0.1", "127.0.0.1:443", "127.0.0.0/8"])),
        Receiver("http://127.0.0.1:8080/", .under(["127.0.0.1:8080"])),
        Receiver("https://127.255.255.254/", .under(["127.0.0.0/8"])),
        Receiver("https://[::1]:8443/", .under(["::1", "[::1]:8443"])),
        Receiver("https://localhost/", resolvesTo: "127.0.0.1", .under(["localhost", "127.0.0.1"])),
        Receiver("https://localhost./", resolvesTo: "::1", .under(["localhost", "::1"])),
        Receiver("https://ip6-localhost/", resolvesTo: "::1", .under(["ip6-localhost", "::1"])),
        // Anybody can point a public name to a private address, at once or after the first lookup.
        Receiver("https://localtest.example/", resolvesTo: "127.0.0.1", .under(["localtest.example", "127.0.0.1"])),
        Receiver("https://rebind.example/", resolvesTo: "10.0.0.1", .under(["rebind.example", "10.0.0.0/8"])),
        Receiver("https://10.1.2.3/", .under(["10.1.2.3", "10.1.0.0/16"])),
        Receiver("https://172.16.0.1/", .under(["172.16.0.0/12"])),
        Receiver("https://172.31.255.255/", .under(["172.16.0.0/12"])),
        Receiver("https://192.168.1.1:9200/_search", .under(["192.168.1.1:9200"])),
        Receiver("https://[fd12:3456:789a::1]/", .under(["fd12:3456:789a::1", "fd00::/8"])),
        Receiver("https://100.64.0.1/", .under(["100.64.0.0/10"])),
        Receiver("https://192.0.0.8/", .under(["192.0.0.0/24"])),
        Receiver("https://198.18.0.1/", .under(["198.18.0.0/15"])),
        Receiver("https://192.0.2.1/", .under(["192.0.2.0/24"])),
        Receiver("https://198.51.100.1/", .under(["198.51.100.0/24"])),
        Receiver("https://203.0.113.1/", .under(["203.0.113.0/24"])),
        Receiver("https://[2001:db8::1]/", .under(["2001:db8::/32"])),
        Receiver("https://[3fff::1]/", .under(["3fff::/20"])),
        Receiver("https://240.0.0.1/", .under(["240.0.0.0/4"])),
        Receiver("https://[100::1]/", .under(["100::/64"])),
    ]

    // IPv4 addresses embedded in IPv6, which a host, a router or a translator may extract.
    private static let embedded = [
        Receiver("https://[::ffff:127.0.0.1]/", .under(["127.0.0.1"])),
        Receiver("https://[::ffff:7f00:1]/", .under(["127.0.0.0/8"])),
        Receiver("https://[0:0:0:0:0:ffff:10.0.0.1]/", .under(["10.0.0.0/8"])),
        Receiver(
            "https://mapped.example/",
            resolvesTo: "::ffff:192.168.0.1",
            .under(["192.168.0.1", "mapped.example"])
        ),
        Receiver("https://compatible.example/", resolvesTo: "::10.0.0.1", .under(["compatible.example"])),
        Receiver("https://translated.example/", resolvesTo: "::ffff:0:10.0.0.1", .under(["translated.example"])),
        Receiver("https://sixtofour.example/", resolvesTo: "2002:a00:1::1", .under(["sixtofour.example"])),
        Receiver("https://nat64.example/", resolvesTo: "64:ff9b::a00:1", .under(["nat64.example"])),
        Receiver("https://nat64.example/", resolvesTo: "64:ff9b::808:808", .under(["64:ff9b::/96", "nat64.example"])),
        Receiver("https://local.example/", resolvesTo: "64:ff9b:1::a00:1", .under(["local.example"])),
        Receiver("https://[::ffff:169.254.169.254]/", .never("link-local")),
        Receiver("https://[64:ff9b::169.254.169.254]/", .never("link-local")),
        Receiver("https://[64:ff9b:1:a9fe:a9:fe00::]/", .never("link-local")),
        Receiver("https://[2002:a9fe:a9fe::1]/", .never("link-local")),
        Receiver("https://[::169.254.169.254]/", .never("link-local")),
        Receiver("https://[2001:0:53aa:64c:0:fbff:ad5b:5b4d]/", .never("Teredo")),
    ]

    private static let neverAllowed = [
        Receiver("https://0.0.0.0/", .never("unspecified")),
        Receiver("https://0.1.2.3/", .never("unspecified")),
        Receiver("https://[::]/", .never("unspecified")),
        Receiver("http://169.254.169.254/latest/meta-data/", .never("link-local")),
        Receiver("https://metadata.example/", resolvesTo: "169.254.169.254", .never("link-local")),
        Receiver("https://169.254.170.2/v2/credentials", .never("link-local")),
        Receiver("https://[fe80::1]/", .never("link-local")),
        Receiver("https://[fec0::1]/", .never("site-local")),
        Receiver("https://[fd00:ec2::254]/", .never("metadata")),
        Receiver("https://[fd20:ce::254]/", .never("metadata")),
        Receiver("https://100.100.100.200/", .never("metadata")),
        Receiver("https://192.0.0.192/", .never("metadata")),
        // Looks public, but reaches the host's services on every Azure machine, and nothing elsewhere.
        Receiver("https://168.63.129.16/", .never("Azure")),
        Receiver("https://224.0.0.1/", .never("multicast")),
        Receiver("https://[ff02::1]/", .never("multicast")),
        Receiver("https://255.255.255.255/", .never("broadcast")),
    ]

    // Other spellings of addresses, which some readers accept.
    private static let spellings = [
        Receiver("http://2130706433/", .never("neither a name")),
        Receiver("http://0x7f000001/", .never("neither a name")),
        Receiver("http://0x7f.0x0.0x0.0x1/", .never("neither a name")),
        Receiver("http://0177.0.0.1/", .never("neither a name")),
        Receiver("http://017700000001/", .never("neither a name")),
        Receiver("http://127.1/", .never("neither a name")),
        Receiver("http://127.0.1/", .never("neither a name")),
        Receiver("http://127.0.0.1./", .never("neither a name")),
        Receiver("http://10.0.0.256/", .never("neither a name")),
        Receiver("http://[::1%25lo]/", .never("neither a name")),
        Receiver("http://[fe80::1%25eth0]/", .never("neither a name")),
        Receiver("http://[::ffff:0x7f.1]/", .never("neither a name")),
        Receiver("http://127%2e0%2e0%2e1/", .never("neither a name")),
        Receiver("http://%6c%6f%63%61%6c%68%6f%73%74/", .never("neither a name")),
        Receiver("http://①②⑦.⓪.⓪.①/", .never("non-ASCII")),
        Receiver("http://127。0。0。1/", .never("non-ASCII")),
        Receiver("http://bücher.example/", .never("non-ASCII")),
        Receiver("http://loc\u{AD}alhost/", .never("non-ASCII")),
    ]

    // Texts in which two readers see different hosts, and texts that are not URLs.
    private static let notURLs = [
        Receiver("https://user:password@shop.example/", .never("user name or password")),
        Receiver("https://shop.example@127.0.0.1/", .never("user name or password")),
        Receiver("https://shop.example:443@10.0.0.1:80/", .never("user name or password")),
        Receiver("https://shop.example#@127.0.0.1/", resolvesTo: "8.8.8.8", .allowed),
        Receiver("https://shop.example?@127.0.0.1/", resolvesTo: "8.8.8.8", .allowed),
        Receiver("https://shop.example\\@127.0.0.1/", .never("backslash")),
        Receiver("https:\\\\127.0.0.1/", .never("backslash")),
        Receiver("https://shop.example\t/", .never("control character")),
        Receiver("https://127.0.0.1\n.shop.example/", .never("control character")),
        Receiver("https://shop.example/\r\nHost: 127.0.0.1", .never("control character")),
        Receiver("https://127.0.0.1\0.shop.example/", .never("control character")),
        Receiver(" https://shop.example/", .never("space")),
        Receiver("https://127.0.0.1:80:443/", .never("neither a name")),
        Receiver("https://shop.example:0/", .never("port")),
        Receiver("https://shop.example:65536/", .never("port")),
        Receiver("https://shop.example:-1/", .never("port")),
        Receiver("https:///etc/passwd", .never("no host")),
        Receiver("//127.0.0.1/", .never("https://")),
        Receiver("127.0.0.1", .never("https://")),
        Receiver("file:///etc/passwd", .never("https://")),
        Receiver("gopher://127.0.0.1:6379/_SET", .never("https://")),
        Receiver("dict://127.0.0.1:11211/stats", .never("https://")),
        Receiver("ftp://127.0.0.1/", .never("https://")),
        Receiver("ldap://127.0.0.1/", .never("https://")),
        Receiver("smtp://127.0.0.1:25/", .never("https://")),
        Receiver("unix:///run/docker.sock", .never("https://")),
        Receiver("ws://127.0.0.1/", .never("https://")),
        Receiver("javascript:alert(1)", .never("https://")),
        Receiver("", .never("empty")),
    ]
}
