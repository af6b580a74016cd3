extension Corpus {
  static let matches = """
    iifname "lo"
    iifname lo oifname "eth*"
    iifname != "lo"
    iifname { "lo", "eth*" }
    iifname { lo, eth0, eth1 }
    iifname "eth\\*"
    iifname . tcp dport { "lo" . 22 }
    meta iifname . meta oifname { "lo" . "eth0" }
    meta iifname eth0.5
    iif lo
    iif 1
    iif != "lo"
    iif { 1, 7 }
    meta iif 7
    meta oif 1
    meta mark 5
    mark 5
    meta mark != 0x10
    meta mark 1-100
    meta mark { 1, 2, 0x30 }
    meta mark & 0xff == 5
    meta mark and 0xff eq 5
    meta mark & 0xff != 5
    meta mark & 0xf 5
    meta mark or 0xf 255
    meta mark & (0xf | 0x10) == 5
    meta mark & 0xf0 { 0x10, 0x20 }
    meta mark & 0xf0 > 0x20
    meta mark 0x100/24
    meta mark 5 | 6
    meta length 100
    meta length > 100
    meta length 5-100
    meta length { 5, 10-20 }
    meta length 0x10
    meta protocol ip
    meta protocol ip6
    meta protocol { ip, ip6, arp }
    meta protocol != ip
    meta protocol 0x88cc
    meta protocol vlan
    meta nfproto ipv4
    meta nfproto != ipv6
    meta nfproto { ipv4, ipv6 }
    meta l4proto tcp
    meta l4proto { tcp, udp, icmp }
    meta l4proto != udp
    meta l4proto 6-17
    meta l4proto 132
    meta l4proto 250
    meta l4proto TCP
    meta l4proto ipv6-icmp
    meta pkttype multicast
    meta pkttype { host, other, broadcast }
    pkttype unicast
    meta l4proto . th dport { tcp . 22, udp . 53 }
    ip protocol . th dport { tcp . 22, udp . 53 }
    ip saddr . ip daddr . meta l4proto { 1.1.1.1 . 2.2.2.2 . tcp }
    iifname "lo" meta mark 5 counter accept
    meta iifname lo
    tcp dport @ports
    tcp dport != @ports
    ip saddr @hosts
    ip saddr . tcp dport @pairs
    ip saddr . tcp dport != @pairs
    meta nfproto ipv4 ip saddr 1.2.3.4
    meta protocol ip ip saddr 1.2.3.4
    meta protocol ip tcp dport 22
    meta l4proto tcp ip saddr 1.2.3.4 tcp dport 22
    meta mark . meta length { 5 . 10 }
    meta priority 5
    meta cpu 5
    meta skuid 5
    meta iiftype ether
    meta cgroup 5
    meta time > 5
    meta hour "10:00"
    fib saddr oif 0
    numgen inc mod 5 0
    rt classid 5
    socket transparent 1
    osf name "Linux"
    jhash ip saddr mod 5 0
    """

  static let addresses = """
    ip saddr 1.2.3.4
    ip daddr 1.2.3.4
    ip saddr != 1.2.3.4
    ip saddr 10.0.0.0/8
    ip saddr 10.1.2.3/8
    ip saddr != 10.0.0.0/8
    ip saddr 0.0.0.0/0
    ip saddr 1.2.3.4/32
    ip saddr 1.2.3.4-1.2.3.9
    ip saddr 1.2.3.4-1.2.3.4
    ip saddr 10.0.0.0-10.0.0.255
    ip saddr != 1.2.3.4-1.2.3.9
    ip saddr < 10.0.0.5
    ip saddr >= 10.0.0.5
    ip saddr 5
    ip saddr { 1.2.3.4, 10.0.0.0/8, 11.0.0.1-11.0.0.9 }
    ip saddr != { 1.2.3.4, 1.2.3.5 }
    ip saddr & 255.255.255.0 == 1.2.3.0
    ip saddr & 0.0.0.255 == 0.0.0.1
    ip saddr & 0.0.0.255 < 0.0.0.127
    ip saddr and 255.0.0.0 { 10.0.0.0, 11.0.0.0 }
    ip saddr . ip daddr { 1.1.1.1 . 2.2.2.2, 3.3.3.3 . 4.4.4.4 }
    ip saddr . ip daddr 1.1.1.1 . 2.2.2.2
    ip saddr . ip daddr { 1.0.0.0/8 . 2.2.2.2-2.2.2.9 }
    ip saddr . ip daddr . tcp dport { 1.1.1.1 . 2.2.2.2 . 22 }
    ip saddr & 255.255.255.0 . tcp dport { 1.2.3.0 . 5 }
    ip version 4
    ip hdrlength 5
    ip dscp ef
    ip dscp { cs1, af11, 0x10 }
    ip dscp 0x10
    ip dscp != cs0
    ip ecn ect0
    ip ecn { ect1, ce }
    ip length 100-200
    ip id 5
    ip frag-off 5
    ip frag-off & 0x1fff != 0
    ip frag-off & 0x1fff != 0x0
    ip ttl < 10
    ip ttl { 1, 64, 128-255 }
    ip protocol tcp
    ip protocol { tcp, udp }
    ip protocol != icmp
    ip checksum 5
    ip6 saddr ::1
    ip6 saddr fe80::/10
    ip6 saddr 2001:db8::1-2001:db8::9
    ip6 daddr { ::1, fe80::1 }
    ip6 daddr 2001:db8:0:0:1::/96
    ip6 saddr ::ffff:1.2.3.4
    ip6 saddr 1:2:3:4:5:6:7:8
    ip6 saddr & ffff:: == fe80::
    ip6 version 6
    ip6 dscp cs1
    ip6 ecn ce
    ip6 flowlabel 5
    ip6 flowlabel { 5, 100 }
    ip6 length < 1000
    ip6 nexthdr tcp
    ip6 nexthdr { tcp, udp, ipv6-icmp }
    ip6 hoplimit 1
    ip6 hoplimit != 255
    ip6 saddr . ip6 daddr { ::1 . ::2 }
    ip6 saddr @hosts
    ip protocol icmp icmp type echo-request
    ip protocol tcp tcp dport 22
    ip6 nexthdr tcp tcp dport 22
    ip protocol { tcp, udp } th dport 53
    ip option lsrr exists
    """

  static let addresses4 = """
    ip saddr 1.2.3.4 ip daddr 5.6.7.8 tcp dport 22
    ip protocol tcp
    ip protocol tcp tcp dport 22
    ip protocol icmp icmp type 8
    icmpv6 type echo-request
    @nh,96,32 0x01020304
    @nh,72,8 6
    @th,0,16 5
    @th,16,16 { 5, 6 }
    @th,16,16 5-9
    tcp dport 22 @th,0,16 5
    @th,3,5 2
    meta protocol ip
    """

  static let addresses6 = """
    ip6 saddr ::1 tcp dport 22
    icmpv6 type echo-request
    icmp type echo-request
    ip6 nexthdr ipv6-icmp icmpv6 type nd-neighbor-solicit
    ip6 nexthdr icmpv6 icmpv6 type 8
    @nh,64,128 0x1
    ip6 dscp ef ip6 ecn ce
    """

  static let numbers = """
    tcp dport 010
    tcp dport 09
    tcp dport 0x16
    tcp dport 22-25
    tcp dport != 22-25
    tcp dport >= 1024
    tcp dport > 1024 tcp dport < 2000
    tcp dport le 100
    tcp dport ge 100
    tcp dport gt 100 tcp sport lt 5
    tcp dport ne 5
    tcp dport ssh
    tcp dport "ssh"
    tcp dport { ssh, http, https, domain }
    tcp dport 22/8
    tcp dport { 22, 22, 23-25 }
    tcp dport { 1-5, 3-9 }
    tcp dport { 1, 2, 3 }
    tcp dport {22,80-90,443}
    tcp dport 0
    tcp dport 65535
    ct mark 4294967295
    ct expiration 1h
    ct expiration > 1h30m
    ct expiration 500ms
    ct expiration 1d2h3m4s
    ct expiration 30
    """

  static let flags = """
    tcp flags syn
    tcp flags != syn
    tcp flags == syn
    tcp flags syn,ack
    tcp flags != syn,ack
    tcp flags == syn,ack
    tcp flags ! syn
    tcp flags ! syn,ack
    tcp flags not syn
    tcp flags syn | ack
    tcp flags & (syn|ack) == syn
    tcp flags & (syn | ack) != syn
    tcp flags & syn == syn
    tcp flags & syn != 0
    tcp flags & syn == 0
    tcp flags & (fin|syn|rst) == 0
    tcp flags & (fin|syn|rst) != 0
    tcp flags syn / syn,ack
    tcp flags syn,ack / syn,ack,rst
    tcp flags != syn / syn,ack
    tcp flags == syn / syn,ack
    tcp flags fin,syn / fin,syn
    tcp flags & syn syn
    tcp flags & syn syn,ack
    tcp flags { syn, ack|syn }
    tcp flags { syn }
    tcp flags != { syn, ack }
    tcp flags 0
    tcp flags == 0
    tcp flags 0x12
    tcp flags 0x2
    tcp flags == 0x02
    tcp flags urg,psh,ecn,cwr
    tcp flags & 0x12 == 0x2
    tcp flags vmap { syn : accept, syn | ack : drop }
    tcp flags . tcp dport { syn . 22 }
    ct state new
    ct state new,established,related,invalid,untracked
    ct state != new
    ct state == new
    ct state ! new
    ct state ! new,established
    ct state != new,established
    ct state == established,related
    ct state established | related
    ct state { new, established }
    ct state != { new, established }
    ct state { new,established }
    ct state { established | related, new }
    ct state 8
    ct state 0x10
    ct state 200
    ct state & new new
    ct state and (new|established) != 0
    ct state . tcp dport { new . 22 }
    ct state > new
    ct status assured
    ct status assured,seen-reply
    ct status & 5 == 5
    ct status 5
    ct status expected
    ct status != dnat
    ct status snat,dnat
    """

  static let transport = """
    tcp dport 22
    tcp sport 1-1023 tcp dport 22
    tcp sequence 5
    tcp ackseq > 5
    tcp doff 5
    tcp reserved 0
    tcp window 5-100
    tcp checksum 5
    tcp urgptr 0
    tcp option maxseg size 1400
    tcp option maxseg size 100-200
    tcp option mss size 5
    tcp option sack exists
    tcp option sack-perm exists
    tcp option sack-perm missing
    tcp option 5 exists
    tcp option 254 exists
    tcp option @5,8,8 5
    tcp option sack left 5
    tcp option sack0 left 5
    tcp option sack1 left 5
    tcp option sack2 right 5
    tcp option window count 5
    tcp option timestamp tsval 5
    tcp option timestamp tsecr > 5
    tcp option eol exists
    tcp option nop exists
    tcp option fastopen exists
    tcp option md5sig exists
    tcp option mptcp exists
    tcp option mptcp subtype 1
    udp dport 53
    udp sport 53 udp length > 100
    udp checksum 0
    udplite dport 5
    udplite csumcov 5
    sctp dport 5
    sctp vtag 5
    sctp chunk data exists
    dccp sport 5
    dccp dport { 5, 6 }
    dccp type request
    ah spi 5
    ah hdrlength 5
    ah sequence 5
    esp spi 5
    esp sequence 5
    comp cpi 5
    comp flags 0
    th sport 5
    th dport 22 tcp sport 5
    meta l4proto tcp th sport 5
    meta l4proto { tcp, udp } th sport 5
    meta l4proto 6 tcp dport 5
    icmp type echo-request
    icmp type 8
    icmp type 200
    icmp type { echo-reply, echo-request, destination-unreachable }
    icmp type != echo-request
    icmp code 5
    icmp type destination-unreachable icmp code net-unreachable
    icmp code { net-unreachable, 5 }
    icmp checksum 5
    icmp id 5
    icmp sequence 5
    icmp id 5 icmp sequence 6
    icmp type echo-request icmp id 5
    icmp type echo-reply icmp sequence 5
    icmp mtu 5
    icmp gateway 5
    icmpv6 type echo-request
    icmpv6 type { nd-router-advert, nd-neighbor-solicit }
    icmpv6 code no-route
    icmpv6 type packet-too-big icmpv6 mtu 1280
    icmpv6 mtu 5
    icmpv6 id 5
    icmpv6 sequence 5
    icmpv6 max-delay 5
    icmpv6 param-problem 5
    icmpv6 checksum 5
    igmp type membership-query
    """

  static let extensions = """
    frag more-fragments 1
    frag id 5
    frag frag-off 5
    frag nexthdr tcp
    frag reserved 0
    frag reserved2 0
    exthdr frag exists
    exthdr frag missing
    exthdr hbh exists
    exthdr rt missing
    exthdr dst exists
    exthdr mh exists
    hbh nexthdr tcp
    hbh hdrlength 5
    rt type 2
    rt nexthdr udp
    rt seg-left 5
    rt hdrlength 5
    rt0 addr[1] ::1
    mh type 1
    mh type home-test-init
    mh nexthdr 59
    mh checksum 5
    dst nexthdr 6
    dst hdrlength { 5, 6 }
    srh segments-left 5
    frag id { 5, 6-9 } tcp dport 22
    """

  static let link = """
    ether saddr 00:11:22:33:44:55
    ether daddr != 00:11:22:33:44:55
    ether saddr { 00:11:22:33:44:55, 00:11:22:33:44:56 }
    ether saddr 0:1:2:3:4:5
    ether type ip
    ether type 0x88cc
    ether type vlan
    ether type { ip, ip6 }
    ether type ip ip saddr 1.2.3.4
    vlan id 5
    vlan id 5 ip saddr 1.2.3.4
    vlan id { 5, 6 } tcp dport 22
    vlan id 5 vlan type ip
    vlan pcp 5
    vlan dei 1
    vlan type ip6
    ether type vlan vlan id 5
    vlan id 5 vlan type ip tcp dport 22
    ether saddr . ether type { 00:11:22:33:44:55 . ip }
    ether saddr 00:11:22:33:44:55 ip saddr 1.2.3.4
    arp operation request
    """

  static let connections = """
    ct direction original
    ct direction reply
    ct mark 5
    ct mark & 0xff == 5
    ct mark != 0
    ct mark { 1, 2-5 }
    ct expiration > 30s
    ct expiration 1h-2h
    ct id 5
    ct label 5
    ct label 5,6
    ct label != 5
    ct zone 5
    ct zone { 5, 6 }
    ct original zone 5
    ct reply zone 5
    ct l3proto ipv4
    ct original l3proto ipv4
    ct protocol tcp
    ct original protocol { tcp, udp }
    ct bytes > 100000
    ct packets 5-10
    ct avgpkt < 100
    ct original bytes > 5
    ct reply packets { 5, 6 }
    ct reply avgpkt > 5
    ct original saddr 1.2.3.4
    ct original ip saddr 1.2.3.4
    ct reply ip daddr 10.0.0.0/8
    ct original ip6 saddr ::1
    tcp dport 22 ct original proto-dst 5
    meta l4proto tcp ct reply proto-src 1-100
    udp dport 53 ct original proto-dst . ct original proto-src { 1 . 2 }
    ct original ip saddr . ct original ip daddr { 1.2.3.4 . 5.6.7.8 }
    ct proto-src 5
    ct original proto-dst 5
    ct helper "ftp"
    ct secmark 5
    meta nfproto ipv4 ct original saddr 1.2.3.4
    ip saddr 1.2.3.4 ct original saddr 1.2.3.4
    ct mark . ct state { 5 . new }
    """

  static let anonymousSets = """
    tcp dport { 22 }
    tcp dport != { 22 }
    tcp dport { 22, 80, 443 }
    tcp dport { 22 comment "x" }
    tcp dport { 22, }
    tcp dport { 22 , 80 }
    tcp dport . ip saddr { 22-25 . 1.2.3.0/24 }
    tcp dport . ip saddr { 22 . 1.2.3.4, 80 . 1.2.3.5 }
    ip saddr . tcp dport { 1.2.3.4 . 22, 10.0.0.0/8 . 80-90 }
    ip daddr { 1.2.3.4, 1.2.3.5, 1.2.3.6 }
    ip daddr { 0.0.0.0/1, 128.0.0.0/1 }
    ip daddr { 1.0.0.0/8, 1.2.3.4 }
    ip6 daddr { 2001:db8::/32, ::1 }
    ether saddr { 00:11:22:33:44:55 }
    iifname { "lo" }
    meta mark { 0x10-0x20, 5 }
    icmp type { 0, 8 }
    meta l4proto { 6 }
    ct direction { original, reply }
    ip dscp { 1, 2, 3 }
    tcp dport . tcp sport { 1 . 2 } accept
    ip saddr . tcp dport { 1.2.3.4 . 22, 1.2.3.0/24 . 22 }
    ip saddr . tcp dport { 1.2.3.0/24 . 22, 1.2.3.4 . 22 }
    ip saddr . tcp dport { 1.2.3.0/24 . 22, 1.2.3.0/24 . 22 }
    ip saddr . tcp dport vmap { 1.2.3.0/24 . 22 : accept, 1.2.3.4 . 22 : drop }
    tcp dport { 22-30, 25-40 }
    tcp dport vmap { 22-30 : accept, 25-40 : accept }
    tcp dport vmap { 22 : accept, 22 : accept }
    ip saddr > { 1.2.3.4 }
    tcp dport 22 tcp sport { 5, 6 } ip saddr { 1.1.1.1, 2.2.2.2 }
    """

  static let maps = """
    tcp dport vmap { 22 : accept, 80 : drop }
    tcp dport vmap { 22 : accept, 23-25 : drop, * : continue }
    tcp dport vmap { 22:accept,80:drop }
    tcp dport vmap { 22 : jump other, 80 : goto other, 90 : return }
    tcp dport vmap @verdicts
    tcp dport . ip saddr vmap { 22 . 1.2.3.4 : accept }
    ip saddr . tcp dport vmap { 1.0.0.0/8 . 22 : accept, 2.2.2.2 . 1-5 : drop }
    ip saddr vmap { 1.0.0.0/8 : accept, 2.2.2.2 : drop }
    iifname vmap { "lo" : accept, "eth*" : drop }
    ct state vmap { new : accept, established : drop, invalid : jump other }
    ct state vmap { established | related : accept }
    icmp type vmap { echo-request : accept }
    meta mark & 0xff vmap { 1 : accept }
    meta l4proto . th dport vmap { tcp . 22 : accept }
    meta l4proto vmap { tcp : accept, udp : drop }
    tcp dport vmap { 22 : accept } counter
    meta mark set tcp dport map { 22 : 1, 80 : 2 }
    meta mark set tcp dport map { 22 : 1, 80-90 : 2 }
    meta mark set tcp dport map @marks
    meta mark set ip saddr map { 1.0.0.0/8 : 0x10, * : 0x20 }
    meta mark set ip saddr . tcp dport map { 1.2.3.4 . 22 : 5 }
    ct mark set tcp dport map { 22 : 1 }
    ct mark set iifname map { "lo" : 1, "eth0" : 2 }
    ct zone set iifname map { "lo" : 1 }
    meta mark set meta mark & 0xff map { 1 : 5 }
    tcp dport vmap { 22 comment "x" : accept }
    """
}
