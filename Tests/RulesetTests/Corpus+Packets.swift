extension Corpus {
  /// What rules ask about the packet itself, and statements that are not here.
  static let metaTexts = #"""
    meta length 100-200
    meta length != 100-200
    meta length { 0-100, 200 }
    meta protocol { ip, vlan, 8021ad }
    meta protocol 8021q
    meta protocol 8021ad
    meta protocol arp
    meta protocol ip-ip6
    meta protocol > ip
    meta protocol 0x0800
    meta protocol 2048
    meta priority 1
    meta priority 1:2
    meta priority none
    meta priority root
    meta priority { bulk, 1:1 }
    meta random 5
    meta random <= 0.01
    meta mark 0x0/0
    meta mark and 0x3 == 0x1
    meta mark and 0x3 != 0x1
    meta mark & 0x3 > 1
    meta mark & 0x3 < 3
    meta mark | 0x3 == 7
    meta mark xor 0x3 == 7
    meta mark ^ 0x3 != 7
    meta mark and 0x3 or 0x4 == 7
    meta mark and (0x3 or 0x4) == 7
    meta mark << 2 == 8
    meta mark >> 2 == 8
    meta mark set meta mark << 2
    meta mark set meta mark >> 2
    meta mark set (meta mark & 0xff) << 8
    meta mark set 0xff & 0x0f
    meta mark set 0xff ^ 0x0f
    meta mark set ct mark or 0x3 and 0xff
    meta mark set ct mark and 0xff xor 0x3
    meta mark set ct mark & 0xff & 0x0f
    meta mark set ct mark | 0xff | 0xf00
    meta mark set ct mark ^ 0xff ^ 0xf00
    meta mark set mark and 0xffff0000 or 0x1
    meta mark set 0xffffffff
    meta mark set 0x100000000
    meta mark set -1
    meta mark != 0 ct mark set meta mark
    meta mark set ip dscp
    meta mark set tcp dport
    meta mark set ip saddr
    meta mark set numgen inc mod 2
    meta mark set numgen random mod 2 offset 5
    meta mark set jhash ip saddr . ip daddr mod 2
    meta mark set jhash ip saddr . ip daddr mod 2 seed 0xdeadbeef
    meta mark set symhash mod 2 offset 100
    meta mark set jhash ip saddr mod 7 map { 0 : 1, 1 : 2 }
    ct mark set numgen inc mod 2 map { 0 : 1, 1 : 2 }
    iif "lo" oif "lo"
    iif { "lo" }
    iif != { lo, 7 }
    iif 0
    iif 1-5
    iif < 5
    iif vmap { "lo" : accept }
    iifname "lo*"
    iifname "l*" accept
    iifname != "eth*"
    iifname { "eth*", "lo" }
    iifname { "eth*", "et*" }
    iifname { "eth*", "eth0" }
    iifname { "eth0", "eth*" }
    iifname vmap { "eth*" : accept, "lo" : drop }
    iifname > "lo"
    iifname "lo"-"mo"
    iifname eth0.100
    iifname "eth0:1"
    iifname "wlan-0_x"
    iifname eth0/1
    iifname "123"
    iifname 123
    iifname 0x10
    iifname "\\*"
    iifname "lo\\*"
    iifname "a b"
    iifname ""
    iifname "*lo"
    iifname "l*o"
    iifname "0123456789abcde"
    iifname "0123456789abcdef"
    iifname "0123456789abcd*"
    iifname "0123456789abcde*"
    oifname "lo" iifname "lo"
    iifname . oifname { "lo" . "eth0", "eth*" . "lo" }
    iifname . oifname { "lo" . "eth0" }
    meta iifgroup 5
    meta oifgroup default
    iifgroup { 1, 2 }
    meta iiftype ether
    iiftype loopback
    meta oiftype != ether
    meta skuid root
    meta skuid 0-1000
    skuid { 0, 1 }
    meta skgid 5
    skgid root
    meta nftrace 1
    meta rtclassid 5
    meta cgroup 5
    meta cpu 0
    cpu 1-3
    meta iifkind "vlan"
    oifkind "x"
    meta sdif 1
    meta sdifname "lo"
    meta time "2020-01-01 00:00"
    meta time < 1234567
    meta day Monday
    meta day { 0, 1 }
    meta day "Sunday"
    meta hour "10:00"
    meta hour "10:00"-"12:00"
    meta hour < 5
    time > 5
    day 1
    hour 5
    meta secpath exists
    meta secmark 5
    meta ipsec exists
    meta pkttype host
    meta pkttype 0
    meta pkttype 7
    meta pkttype != { host, broadcast }
    meta pkttype otherhost
    pkttype { host }
    meta pkttype unicast
    meta l4proto 0
    meta l4proto 255
    meta l4proto != 6
    meta l4proto { 6, 17 }
    meta l4proto < 10
    meta l4proto tcp-udp
    meta l4proto "tcp"
    meta l4proto ipip
    meta l4proto gre
    meta l4proto igmp
    meta l4proto ospf
    meta l4proto vrrp
    meta l4proto & 3 == 1
    meta nfproto 2
    meta nfproto { 2, 10 }
    meta nfproto arp
    meta nfproto vmap { ipv4 : accept, ipv6 : drop }
    socket transparent 1
    socket mark 5
    socket wildcard 0
    socket cgroupv2 level 1 "x"
    fib saddr . iif oif missing
    fib daddr type local
    fib saddr . mark oif exists
    fib daddr . iif type { local, broadcast }
    fib saddr oifname "lo"
    rt classid 5
    rt nexthop 1.2.3.4
    rt ip nexthop 1.2.3.4
    rt ip6 nexthop ::1
    rt mtu 1500
    rt ipsec exists
    ipsec in reqid 5
    ipsec out ip saddr 1.2.3.4
    osf name "Linux"
    osf ttl skip name "Linux"
    osf version "Linux:3.0"
    numgen inc mod 2 0
    numgen random mod 10 vmap { 0 : accept, 1-9 : drop }
    jhash ip saddr mod 2 0
    symhash mod 2 vmap { 0 : accept }
    log
    log prefix "x: " level warn
    log prefix "x" group 5 snaplen 100 queue-threshold 5
    log level audit
    log flags all
    log flags tcp sequence,options
    log flags ip options
    log flags skuid
    log flags ether
    log group 5 accept
    log prefix $x
    queue
    queue num 5
    queue num 5-8 bypass,fanout
    queue to 5
    queue flags bypass to 5
    queue to numgen inc mod 5
    quota 5 mbytes
    quota until 5 mbytes
    quota over 5 mbytes used 3 kbytes drop
    quota name "x"
    dup to 1.2.3.4
    dup to 1.2.3.4 device "lo"
    fwd to "lo"
    fwd ip to 1.2.3.4 device lo
    tproxy to 1.2.3.4:80
    tproxy ip to :80
    synproxy
    synproxy mss 1460 wscale 7 timestamp sack-perm
    synproxy name "x"
    snat to 1.2.3.4
    snat ip to 1.2.3.4
    snat to 1.2.3.4-1.2.3.9:5-10 random,persistent
    dnat to 1.2.3.4:80
    dnat ip to tcp dport map { 22 : 1.2.3.4 }
    dnat to ip saddr map { 1.2.3.4 : 5.6.7.8 }
    masquerade
    masquerade to :5-10 random
    redirect
    redirect to :80
    redirect to 80
    ct helper "ftp"
    ct helper set "ftp"
    ct expectation set "x"
    ct timeout set "x"
    secmark name "x"
    meta secmark set "x"
    xt match foo
    quota 5
    last
    last used never
    last used 5s
    masquerade random,fully-random
    """#
}
