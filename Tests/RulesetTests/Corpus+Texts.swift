extension Corpus {
  /// Tables and verbs.
  static let wholeTexts = #"""
    table t { }
    --
    table t {}
    --
    table t{}
    --
    table ip t { chain c { accept
    }
    }
    --
    table ip t { chain c { accept; }; chain d { drop; }; }
    --
    table ip t
    {
    }
    --
    table ip t {
     chain c
     {
     }
    }
    --
    table ip t { comment "x"; }
    --
    table ip t { comment "x"; comment "y"; }
    --
    table ip t { comment x
    }
    --
    table ip t { flags dormant; }
    --
    table ip t { flags dormant, owner; }
    --
    table ip t { flags owner; }
    --
    table ip t { flags foo; }
    --
    table ip t {
     flags dormant
     chain c { type filter hook forward priority 0; }
    }
    table ip t {
    }
    --
    table ip t { chain c { type filter hook forward priority 0; } 
    }
    --
    table ip t { chain c { }; }
    table ip t { chain c { type filter hook forward priority 5; }; }
    --
    table ip t { chain c { type filter hook forward priority 0; }; }
    table ip t { chain c { accept; }; }
    --
    table ip t { chain c { accept; }; chain c { drop; }; }
    --
    table ip t { chain c { jump d; }; chain d { }; }
    --
    table ip t { chain c { ip saddr @s; }; set s { type ipv4_addr; }; }
    --
    table ip t { chain c { counter name x; }; counter x { }; }
    --
    table ip t { counter x { }; counter x { }; }
    --
    table ip t { counter x { packets 5 bytes 6; comment "x"; }; }
    --
    table ip t { counter x { bytes 5 packets 6; }; }
    --
    table ip t { counter x { packets 5; }; }
    --
    table ip t { counter x { packets 5 bytes 6; }; }
    table ip t { counter x { packets 7 bytes 8; }; }
    --
    table ip t { limit x { rate 5/second; }; }
    --
    table ip t { limit x { rate over 5/second burst 6 packets; comment "x"; }; }
    --
    table ip t { limit x { rate 5 mbytes/second; rate 6/second; }; }
    --
    table ip t { limit x { }; }
    --
    table ip t { quota x { over 5 mbytes; }; }
    --
    table ip t { quota x { }; }
    --
    table ip t { secmark x { "system_u:object_r:ssh_server_packet_t:s0"; }; }
    --
    table ip t { synproxy x { mss 1460; wscale 7; }; }
    --
    table ip t { ct helper x { type "ftp" protocol tcp; }; }
    --
    table ip t { ct timeout x { protocol tcp; policy = { established : 5, close : 6 }; }; }
    --
    table ip t { ct timeout x { protocol tcp; policy = { syn-sent : 1 }; }; }
    --
    table ip t { ct timeout x { protocol tcp; policy = { foo : 1 }; }; }
    --
    table ip t { ct timeout x { protocol udp; policy = { replied : 1, unreplied : 2 }; }; }
    --
    table ip t { ct timeout x { protocol udp; policy = { established : 1 }; }; }
    --
    table ip t { ct timeout x { policy = { established : 1 }; }; }
    --
    table ip t { ct timeout x { protocol tcp; }; }
    --
    table ip t { ct timeout x { protocol foo; }; }
    --
    table ip t { ct timeout x { protocol tcp; l3proto ip6; policy = { established : 5 }; }; }
    --
    table inet t { ct timeout x { protocol tcp; l3proto inet; policy = { established : 5 }; }; }
    --
    table inet t { ct timeout x { protocol tcp; policy = { established : 5 }; }; }
    --
    table netdev t { ct timeout x { protocol tcp; policy = { established : 5 }; }; }
    --
    table ip t { ct timeout x { l3proto ip; protocol tcp; policy = { established : 5 }; comment "x"; }; }
    --
    table ip t { ct timeout x { protocol tcp policy = { established : 5 }; }; }
    --
    table ip t { ct expectation x { protocol tcp; dport 5; timeout 1h; size 5; l3proto ip; }; }
    --
    table ip6 t { chain c { type filter hook prerouting priority raw; }; }
    --
    table bridge t { chain c { type filter hook forward priority 0; }; }
    --
    table arp t { chain c { type filter hook input priority 0; }; }
    --
    table foo t { }
    --
    table ip foo bar { }
    --
    table ip t;
    --
    table ip t; table ip u
    --
    table ip t ; chain ip t c ; rule ip t c accept
    --
    add table ip t { }
    --
    create table ip t { }
    --
    create table ip t { chain c { accept; }; }
    --
    add table ip t { comment "x"; }
    --
    add table ip t { flags dormant; }
    add table ip t { comment "x"; }
    --
    add table t; add chain t c { type filter hook forward priority 0 ; policy accept ; }
    --
    add table t; add chain t c { type filter hook forward priority 0; policy accept; accept; }
    --
    add table t; add chain t c { comment "x"; }
    --
    add table t; add chain t c; add chain t c { type filter hook forward priority 0; }
    --
    add table t; add chain t c { type filter hook forward priority 0; }; add chain t c { policy drop; }
    --
    add table t; add chain t c { type filter hook forward priority 0; policy drop; }; add chain t c
    --
    add table t; add chain t c { policy drop; }
    --
    add table t; create chain t c; create chain t c
    --
    add table t; add chain t c; add chain t d; rename chain t c d
    --
    add table t; rename chain t c d
    --
    add table t; add chain t c; delete chain t c; add rule t c accept
    --
    add table t; add chain t c; add rule t c accept; delete chain t c
    --
    add table t; add chain t c; add chain t d; add rule t d jump c; delete chain t c
    --
    add table t; add chain t c; add chain t d; add rule t d jump c; flush chain t d; delete chain t c
    --
    add table t; add chain t c; add chain t d; add rule t d jump c; flush table t; delete chain t c
    --
    add table t; add chain t c; delete chain t c; delete chain t c
    --
    delete table t
    --
    add table t; delete table t; delete table t
    --
    add table t; delete table t; add table t; add chain t c
    --
    add table t; add chain t c; insert rule t c accept; insert rule t c drop; add rule t c counter
    --
    add table t; add chain t c; add rule t c accept; add rule t c position 5 drop
    --
    add table t; add chain t c; add rule t c accept; add rule t c handle 5 drop
    --
    add table t; add chain t c; add rule t c index 0 accept
    --
    add table t; add chain t c; insert rule t c index 0 accept
    --
    add table t; add chain t c; replace rule t c handle 1 accept
    --
    add table t; add chain t c; delete rule t c handle 1
    --
    add table t; add chain t c; delete rule t c accept
    --
    add table t; add chain t c; delete rule t c
    --
    add table t; add chain t c; flush chain t d
    --
    add table t; flush table t
    --
    flush table t
    --
    flush ruleset
    --
    flush ruleset ip
    --
    flush ruleset foo
    --
    flush ruleset; add table t
    --
    add table t; flush ruleset
    --
    add table t; flush ruleset; add table t; add chain t c
    --
    add table ip t; add table ip6 t; flush ruleset ip6
    --
    list ruleset
    --
    list ruleset ip
    --
    list tables
    --
    list tables ip
    --
    list chains
    --
    list table t
    --
    add table t; list table t
    --
    add table t; add chain t c; list chain t c
    --
    list chain t c
    --
    list sets; list maps; list counters; list limits; list flowtables
    --
    list quotas
    --
    list meters
    --
    list ct helpers
    --
    list hooks
    --
    list set t s
    --
    add table t; add set t s { type ipv4_addr; }; list set t s; list sets table t
    --
    list foo
    --
    list
    --
    reset counters
    --
    reset quotas
    --
    reset counter t x
    --
    add table t; add set t s { type ipv4_addr; }; add element t s { 1.2.3.4 }; get element t s { 1.2.3.4 }
    --
    add table t; add set t s { type ipv4_addr; }; get element t s { 1.2.3.4 }
    --
    add table t; add set t s { type ipv4_addr; }; delete element t s { 1.2.3.4 }
    --
    add table t; add set t s { type ipv4_addr; }; add element t s { 1.2.3.4 }; create element t s { 1.2.3.4 }
    --
    add table t; add set t s { type ipv4_addr; }; create element t s { 1.2.3.4, 1.2.3.4 }
    --
    add table t; add map t m { type ipv4_addr : mark; }; add element t m { 1.2.3.4 }
    --
    add table t; add map t m { type ipv4_addr : verdict; }; add element t m { 1.2.3.4 : jump c }
    --
    add table t; add map t m { type ipv4_addr : verdict; elements = { * : drop }; }; delete element t m { * : drop }
    --
    add table t; add map t m { type ipv4_addr : verdict; elements = { * : drop }; }; delete element t m { * }
    --
    add table t; add set t s { type ipv4_addr; }; add element t s { 1.2.3.4 timeout 5s }
    --
    add table t; add set t s { type ipv4_addr; flags timeout; }; add element t s { 1.2.3.4 timeout 5m expires 4m }
    --
    add table t; add set t s { type ipv4_addr; }; flush set t s; flush map t s
    --
    add table t; add map t m { type ipv4_addr : mark; }; flush set t m
    --
    add table t; add map t m { type ipv4_addr : mark; }; flush map t m
    --
    add table t; add map t m { type ipv4_addr : mark; }; delete set t m
    --
    add table t; add set t s { type ipv4_addr; }; delete map t s
    --
    add table t; add set t s { type ipv4_addr; }; add map t s { type ipv4_addr : mark; }
    --
    add table t; add set t s { type ipv4_addr; }; add chain t c; add rule t c ip saddr @s; delete set t s
    --
    add table t; add set t s
    --
    add table t; add set t s { type ipv4_addr ; }
    --
    add table t; add set t s { type ipv4_addr; flags interval; size 5; elements = { 1.2.3.4 } }
    --
    add table t; add counter t x { }; add limit t x { rate 5/second ; }
    --
    add table t; add counter t x packets 5 bytes 6
    --
    add table t; add counter t x { packets 5 bytes 6 }
    --
    add table t; add limit t x rate 5/second
    --
    add table t; add limit t x { rate 5/second }
    --
    add table t; add quota t x over 5 mbytes
    --
    add table t; add counter t x; add chain t c; add rule t c counter name x; delete counter t x
    --
    add table t; add counter t x; create counter t x
    --
    add table t; delete counter t x
    --
    add table t; delete limit t x
    --
    add table t; delete quota t x
    --
    add table t; delete ct timeout t x
    --
    add table t; add ct timeout t x { protocol tcp; policy = { established : 5 }; }; delete ct timeout t x
    --
    add table t; add ct helper t x { type "ftp" protocol tcp; }
    --
    export json
    --
    import json
    --
    get element t s { 1.2.3.4 }
    --
    foo
    --
    add foo t
    --
    add rule t
    --
    add rule t c
    --
    add rule accept
    --
    add element t s 1.2.3.4
    --
    delete element t s
    --
    insert chain t c
    --
    replace table t
    --
    rename table t u
    --
    rename chain t c
    --
    create rule t c accept
    --
    add table t; add chain t c; create rule t c accept
    """#
}
