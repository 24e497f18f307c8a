/// How webhook delivery treats an address, by the purpose of its range.
///
/// Sources: the IANA registries of special-purpose addresses,
/// <https://www.iana.org/assignments/iana-ipv4-special-registry/> and
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/>, the IANA registry of the IPv6 address space,
/// <https://www.iana.org/assignments/ipv6-address-space/>, and the cloud providers' documentation of their metadata
/// services. Ranges that the registries mark as globally reachable (AS112, AMT and others) belong to network services,
/// never to a webhook receiver, and are restricted like the rest.
package enum AddressClass: Hashable, Sendable {
    /// An ordinary address on the internet.
    case ordinary
    /// Refused unless the configuration allows it; the text names the range.
    case restricted(String)
    /// Always refused; the text names the range.
    case forbidden(String)

    /// Classifies an address by the range it is in, ignoring any IPv4 address it embeds.
    package init(_ address: IPAddress) {
        func purpose(in table: [(range: AddressRange, purpose: String)]) -> String? {
            table.first { $0.range.contains(address) }?.purpose
        }
        if let purpose = purpose(in: Self.forbiddenRanges) {
            self = .forbidden(purpose)
        } else if let purpose = purpose(in: Self.restrictedRanges) {
            self = .restricted(purpose)
        } else if address.isIPv4 || Self.globalUnicast.contains(address) {
            self = .ordinary
        } else {
            self = .restricted("not global unicast (RFC 4291)")
        }
    }

    // The only part of the IPv6 space that IANA allocates for the internet.
    private static let globalUnicast: AddressRange = "2000::/3"

    private static let forbiddenRanges: [(range: AddressRange, purpose: String)] = [
        ("0.0.0.0/8", "unspecified (RFC 1122)"),
        ("169.254.0.0/16", "link-local, cloud metadata (RFC 3927)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("255.255.255.255/32", "broadcast (RFC 919)"),
        // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
        ("100.100.100.200/32", "metadata service of Alibaba Cloud"),
        // https://docs.oracle.com/en/cloud/iaas/compute-iaas-cloud/stcsg/
        ("192.0.0.192/32", "metadata service of Oracle Cloud Classic"),
        // https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
        ("168.63.129.16/32", "host services of Azure"),
        ("::/128", "unspecified (RFC 4291)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "site-local, deprecated (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
        ("2001::/32", "Teredo, embeds an IPv4 address (RFC 4380)"),
        // https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html
        ("fd00:ec2::/32", "metadata and other services of AWS"),
        // https://cloud.google.com/compute/docs/metadata/querying-metadata
        ("fd20:ce::254/128", "metadata service of Google Cloud"),
        // https://github.com/oracle/oci-python-sdk/blob/master/src/oci/auth/signers
        ("fd00:c1::a9fe:a9fe/128", "metadata service of Oracle Cloud"),
        // https://cloudinit.readthedocs.io/en/latest/reference/datasources/scaleway.html
        ("fd00:42::42/128", "metadata service of Scaleway"),
        // https://techdocs.akamai.com/cloud-computing/docs/metadata-service-api
        ("fd00:a9fe:a9fe::1/128", "metadata service of Akamai"),
        // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
        ("fd00:100::100:200/128", "metadata service of Alibaba Cloud"),
    ]

    private static let restrictedRanges: [(range: AddressRange, purpose: String)] = [
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("100.64.0.0/10", "carrier-grade NAT (RFC 6598)"),
        ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("192.31.196.0/24", "AS112 (RFC 7535)"),
        ("192.175.48.0/24", "AS112 (RFC 7534)"),
        ("192.52.193.0/24", "AMT (RFC 7450)"),
        ("192.88.99.0/24", "6to4 relay, deprecated (RFC 7526)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("::1/128", "loopback (RFC 4291)"),
        ("fc00::/7", "private (RFC 4193)"),
        ("64:ff9b::/96", "NAT64 (RFC 6052)"),
        ("64:ff9b:1::/48", "local NAT64 (RFC 8215)"),
        ("2002::/16", "6to4 (RFC 3056)"),
        ("2001::/23", "protocol assignments (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
        ("100::/64", "discard-only (RFC 6666)"),
        ("5f00::/16", "segment routing (RFC 9602)"),
    ]
}
