extension Corpus {
  static let statements = """
    accept
    drop
    continue
    return
    jump other
    goto other
    counter
    counter packets 5 bytes 6
    counter name "hits"
    counter name hits
    counter drop
    ip saddr 1.2.3.4 counter packets 0 bytes 0 accept
    notrack
    meta mark set 5
    mark set 5
    meta mark set 0x1 | 0x2
    meta mark set ct mark
    meta mark set meta mark
    meta mark set ct mark & 0xff | 0x100
    meta mark set meta mark & (0xff | 0x100)
    meta mark set ct mark xor 0xff
    meta mark set meta mark or 0x1
    meta mark set meta mark and 0xfffffff0
    meta mark set mark ^ 5
    meta mark set 1 meta mark set 2 accept
    meta nftrace set 1
    nftrace set 1
    meta nftrace set 0
    ct mark set 5
    ct mark set mark
    ct mark set meta mark and 0xffff or 0x10000
    ct mark set ct mark << 8
    ct mark set ct mark >> 8
    ct label set 5
    ct zone set 5
    ct original zone set 5
    ct reply zone set 6
    ct event set new
    ct event set new,destroy,mark
    ct event set label,reply,assured,protoinfo,related
    counter comment "hello world"
    counter comment hello
    accept comment "x"
    comment "x"
    add @seen { ip saddr }
    update @seen { ip saddr }
    update @seen { ip saddr timeout 10s }
    delete @seen { ip saddr }
    add @seen { ip saddr timeout 1h30m } accept
    set add ip saddr @seen
    set update ip saddr timeout 5s @seen
    add @learned { ip saddr : 5 }
    update @learned { ip saddr timeout 5s : 0x10 }
    add @learned { ip saddr : ct mark }
    ip saddr @seen drop
    continue counter
    counter counter
    ct count 5
    ct count over 5 drop
    tcp dport 22 ct state new ct count over 10 reject
    snat to 1.2.3.4
    dnat to 1.2.3.4:80
    masquerade
    redirect to :80
    log
    log prefix "x" level info
    quota 5 mbytes
    quota over 5 mbytes drop
    queue
    queue num 5
    dup to 1.2.3.4
    tproxy to :80
    synproxy mss 1460
    ct helper set "ftp"
    ip dscp set ef
    tcp dport set 5
    tcp option maxseg size set 1400
    meta priority set 5
    meta pkttype set host
    counter name tcp dport map { 22 : "hits" }
    """

  static let rejects = """
    reject
    reject with tcp reset
    tcp dport 22 reject with tcp reset
    reject with icmp host-unreachable
    reject with icmp type host-unreachable
    reject with icmp 5
    reject with icmp type port-unreachable
    reject with icmpv6 no-route
    reject with icmpv6 type addr-unreachable
    reject with icmpx admin-prohibited
    reject with icmpx type port-unreachable
    ip saddr 1.2.3.4 reject with icmp net-unreachable
    ip saddr 1.2.3.4 reject
    meta l4proto tcp reject with tcp reset
    """

  static let limits = """
    limit rate 5/second
    limit rate 5/minute
    limit rate 5/hour
    limit rate 5/day
    limit rate 5/week
    limit rate over 10/minute burst 3 packets
    limit rate 10/second burst 5 packets
    limit rate 10/second burst 6 packets drop
    limit rate 10 bytes/second
    limit rate 10 mbytes/second
    limit rate 10mbytes/second
    limit rate 10kbytes/second
    limit rate 1025 kbytes/second
    limit rate 1024 kbytes/second
    limit rate 1500 bytes/hour burst 3000 bytes
    limit rate 1 mbytes/second burst 1025 bytes
    limit rate over 5 kbytes/second burst 10 kbytes
    limit name "slow"
    limit name slow accept
    """
}
