"""URLs that lead inside, spelled in every way that some program reads as an address."""

from __future__ import annotations

LOOPBACK_V4 = (
    *("127.0.0.1", "127.1", "127.0.1", "127.0.0.2", "127.255.255.254", "127.0.0.1.", "127.1."),
    *("2130706433", "2130706433.", "0x7f000001", "0x7F000001", "0X7f000001", "017700000001"),
    *("0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1", "0x7f.1", "0x7f.0.0.0x1", "127.0x0.0.1"),
    *("00000177.0.0.1", "0127.0.0.1", "127.000.000.001", "127.0.0.01", "127.0.00.1"),
    *("4294967295", "4294967296", "18446744071692774401", "127.0.0.1%00", "127.0.0.1%2e"),
    *("127%2e0%2e0%2e1", "%31%32%37%2e%30%2e%30%2e%31", "0", "0x0", "00"),
    *("0.0.0.0", "0.0.0.0."),  # noqa: S104 - here they are where a message must not go
)
"""What ``inet_aton`` and browsers take for this machine, and near misses of it."""

LOOPBACK_V6 = (
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]"),
    *("[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[2002:7f00:1::1]"),
    *(
        "[2001:0:7f00:1::]",
        "[::1%25lo]",
        "[::1%lo]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fe80::1%1]",
    ),
)
"""IPv6's own, mapped, compatible, translated, NAT64, 6to4, Teredo and scoped forms."""

NETWORKS = (
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.1.254"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "168.63.129.16"),
    *("192.0.0.192", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255", "3232235521", "0xc0a80001", "0300.0250.1"),
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:10.0.0.1]", "[::ffff:a00:1]"),
    *("[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fd00:ec2::254]"),
    *("[fc00::1]", "[fdff::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]"),
    *("[64:ff9b::10.0.0.1]", "[2002:c0a8:0001::1]"),
)
"""Private, link-local, shared, documentation and multicast networks, cloud metadata services."""

NAMES = (
    *(
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "localhost.localdomain",
        "ip6-localhost",
    ),
    *("printer.local", "metadata.google.internal", "router.lan", "nas.home.arpa", "intranet", "db"),
    *(
        "\u2460\u2461\u2466.0.0.1",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "127\u30020\u30020\u30021",
    ),
    *(
        "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
        "loc\u00adalhost",
        "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
    ),
)
"""Names of the inside, and characters that become digits, dots and letters when a name is folded.
"""

TRICKS = (
    *("http://user@127.0.0.1:{port}/", "http://user:word@127.0.0.1:{port}/"),
    *("http://example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}@example.com/"),
    *("http://example.com:80@127.0.0.1:{port}/", "http://@127.0.0.1:{port}/"),
    *("http://example.com%40127.0.0.1:{port}/", "http://example.com\\@127.0.0.1:{port}/"),
    *(
        "http://127.0.0.1:{port}\\@example.com/",
        "http:\\\\127.0.0.1:{port}\\",
        "http:/127.0.0.1:{port}/",
    ),
    *("http:127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http:///127.0.0.1:{port}/"),
    *(" http://127.0.0.1:{port}/", "http://127.0.0.1:{port}/ ", "http://127.0.0.1\t:{port}/"),
    *(
        "http://127.0.0.1\n:{port}/",
        "http://127.0.0.1:{port}\r\nHost: example.com/",
        "ht\ttp://127.1:{port}/",
    ),
    *("HTTP://127.0.0.1:{port}/", "hTTps://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/"),
    *(
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "unix:///var/run/docker.sock",
        "data:,hello",
    ),
    *(
        "http://[127.0.0.1]:{port}/",
        "http://[::1:{port}/",
        "http://::1:{port}/",
        "http://[::1]]:{port}/",
    ),
    *(
        "http://127.0.0.1:0/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1:6379/",
        "http://127.0.0.1:99999/",
    ),
    *(
        "http://127.0.0.1:0x50/",
        "http://127.0.0.1:{port}#@example.com/",
        "http://127.0.0.1:{port}?@example.com",
    ),
    *(
        "http://example.com:25/",
        "http:// /",
        "http://",
        "http://.",
        "http://..",
        "http://?",
        "http://#",
    ),
)
"""URLs whose parts are arranged so that two readers disagree on the host."""


def internal_urls(port: int) -> list[str]:
    """Return every spelling once, with a server's ``port``: none may ever be connected to."""
    hosts = (*LOOPBACK_V4, *LOOPBACK_V6, *NETWORKS, *NAMES)
    urls = [f"http://{host}:{port}/hook" for host in hosts]
    urls += [f"https://{host}:{port}/hook" for host in ("127.0.0.1", "[::1]", "2130706433")]
    urls += [trick.replace("{port}", str(port)) for trick in TRICKS]
    return list(dict.fromkeys(urls))
