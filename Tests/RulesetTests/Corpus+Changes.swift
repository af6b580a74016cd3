extension Corpus {
  /// A set or map, and a rule that changes it or looks something up in it.
  static let changeTexts = #"""
    set s { type ipv4_addr; flags dynamic,interval; } |
    set s { type ipv4_addr; flags dynamic,interval; } | add @s { ip saddr }
    set s { type ipv4_addr; flags interval; } | add @s { ip saddr }
    set s { type ipv4_addr; flags interval,timeout; } | add @s { ip saddr }
    set s { type ipv4_addr . inet_service; flags interval; } | add @s { ip saddr . tcp dport }
    set s { type ipv4_addr . inet_service; flags dynamic,interval; } |
    set s { type ipv4_addr . inet_service; flags interval,timeout; timeout 5m; } | add @s { ip saddr . tcp dport }
    map m { type ipv4_addr : verdict; flags dynamic; } |
    map m { type ipv4_addr : verdict; flags dynamic; } | ip saddr vmap @m
    map m { type ipv4_addr : verdict; flags dynamic; elements = { 1.2.3.4 : accept } } | ip saddr vmap @m
    map m { type ipv4_addr : verdict; flags dynamic; elements = { 1.2.3.4 : jump y } } | ip saddr vmap @m
    map m { type ipv4_addr : verdict; flags dynamic; } | add @m { ip saddr : accept }
    map m { type ipv4_addr : verdict; flags dynamic,timeout; timeout 5m; } | add @m { ip saddr : drop }
    map m { type ipv4_addr : verdict; flags dynamic; } | update @m { ip saddr : jump y }
    map m { type ipv4_addr : verdict; } | add @m { ip saddr : accept }
    map m { type ipv4_addr : verdict; flags dynamic; } | delete @m { ip saddr : accept }
    map m { type ipv4_addr : verdict; flags dynamic; } | delete @m { ip saddr }
    map m { type ipv4_addr : verdict; flags timeout; } | delete @m { ip saddr }
    map m { type ipv4_addr : mark; flags dynamic; } | delete @m { ip saddr }
    map m { type ipv4_addr : mark; flags dynamic; } | add @m { ip saddr }
    map m { type ipv4_addr : mark; flags dynamic; } | delete @m { ip saddr : 5 }
    map m { type ipv4_addr : mark; flags dynamic; elements = { * : 5 } } |
    map m { type ipv4_addr : mark; flags dynamic,interval; elements = { * : 5 } } |
    map m { type ipv4_addr : mark; flags interval; elements = { * : 5 } } |
    map m { type ipv4_addr : mark; flags interval; elements = { * : 5 } } | add @m { ip saddr : 6 }
    map m { type ipv4_addr : mark; elements = { * : 5 } } | add @m { ip saddr : 6 }
    map m { type ipv4_addr : mark; elements = { * : 5 } } |
    map m { type ipv4_addr : mark; flags timeout; elements = { * : 5 } } | add @m { ip saddr : 6 }
    set s { type ipv4_addr; elements = { * } } |
    set s { type ipv4_addr; flags interval; elements = { * } } |
    set s { type ipv4_addr; flags dynamic; elements = { * } } |
    set s { type ipv4_addr; flags dynamic; elements = { 1.2.3.4 } } | add @s { ip saddr }
    set s { type ipv4_addr; flags dynamic; elements = { 1.2.3.0/24 } } | add @s { ip saddr }
    set s { type ipv4_addr; flags constant; elements = { 1.2.3.4 } } | add @s { ip saddr }
    set s { type ipv4_addr; flags constant,dynamic; elements = { 1.2.3.4 } } | add @s { ip saddr }
    set s { type ipv4_addr; size 10; elements = { 1.2.3.4 } } | add @s { ip saddr }
    set s { type ipv4_addr; elements = { 1.2.3.4 } } | add @s { ip saddr }
    set s { type ipv4_addr; elements = { 1.2.3.4 } } | add @s { ip saddr timeout 5s }
    set s { type ipv4_addr; elements = { 1.2.3.4 } } | update @s { ip saddr }
    set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 } } | update @s { ip saddr }
    set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 } } | update @s { ip saddr timeout 5s }
    set s { type ipv4_addr; flags dynamic; elements = { 1.2.3.4 } } | update @s { ip saddr timeout 5s }
    set s { type ipv4_addr; size 10; flags timeout; } | update @s { ip saddr timeout 5s }
    set s { type ipv4_addr; elements = { 1.2.3.4 } } | add @s { ip saddr counter }
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr counter }
    set s { type ipv4_addr; flags dynamic; counter; } | add @s { ip saddr counter }
    set s { type ipv4_addr; flags dynamic; counter; } | add @s { ip saddr limit rate 5/second }
    set s { type ipv4_addr; flags dynamic; counter; limit rate 5/second; } | add @s { ip saddr }
    set s { type ipv4_addr; flags dynamic; counter; quota 5 mbytes; } | add @s { ip saddr }
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr limit rate 5/second counter }
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr limit rate over 5/second } drop
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr ct count over 5 } drop
    set s { type ipv4_addr; flags dynamic,timeout; } | add @s { ip saddr ct count over 5 timeout 5s } drop
    set s { type ipv4_addr; flags dynamic,timeout; } | add @s { ip saddr timeout 5s ct count over 5 } drop
    set s { type ipv4_addr; flags dynamic,timeout; } | update @s { ip saddr limit rate 5/second timeout 5s } drop
    set s { type ipv4_addr; flags dynamic,timeout; } | update @s { ip saddr timeout 5s limit rate 5/second } drop
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr counter } add @s { ip saddr limit rate 5/second }
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr & 255.255.255.0 }
    set s { type ipv4_addr; flags dynamic; } | add @s { 1.2.3.4 }
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr comment "x" }
    set s { type ipv4_addr; flags dynamic; } | add @s { ip saddr, ip daddr }
    set s { type ipv4_addr . inet_service; flags dynamic; } | add @s { ip saddr . 22 }
    set s { type ipv4_addr . inet_service; flags dynamic; } | add @s { ip saddr . tcp dport timeout 5s }
    map m { type ipv4_addr : ipv4_addr; flags dynamic; } | add @m { ip saddr : ip daddr }
    map m { type ipv4_addr : inet_service; flags dynamic; } | add @m { ip saddr : tcp dport }
    map m { type ipv4_addr : ipv4_addr . inet_service; flags dynamic; } | add @m { ip saddr : ip daddr . tcp dport }
    map m { type ipv4_addr : mark; flags dynamic; } | add @m { ip saddr timeout 5s : meta mark & 0xff }
    map m { type ipv4_addr : mark; flags dynamic; } | add @m { ip saddr timeout 5s : 5 } accept
    map m { type ipv4_addr : mark; flags dynamic; counter; } | add @m { ip saddr : 5 } accept
    map m { type ipv4_addr : mark; flags dynamic; } | add @m { ip saddr counter : 5 } accept
    map m { type ipv4_addr : mark; flags dynamic; } | meta mark set ip saddr map @m
    set s { type ipv4_addr; flags dynamic; } | set add ip saddr @s
    set s { type ipv4_addr; flags dynamic; } | set add ip saddr timeout 5s @s counter
    set s { type ipv4_addr; flags dynamic; } | set delete ip saddr @s
     | meter foo { ip saddr limit rate 5/second }
     | flow table foo { ip saddr limit rate 5/second }
     | meter foo size 5 { ip saddr timeout 5s limit rate 5/second }
    set s { type ipv4_addr; flags dynamic; size 5; elements = { 1.2.3.4, 1.2.3.5 } } | ip saddr @s drop
    set s { type ifname; flags dynamic; } | add @s { iifname }
    set s { type ipv4_addr; flags dynamic,timeout; timeout 5m; elements = { 1.2.3.4 expires 3m } } |
    set s { type ipv4_addr; flags dynamic,timeout; timeout 5m; elements = { 1.2.3.4 timeout 10m expires 3m } } |
    set s { type ipv4_addr; flags dynamic,timeout; timeout 5m; elements = { 1.2.3.4 timeout 1m expires 3m } } |
    set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 timeout 0s, 1.2.3.5 } } |
    set s { type ipv4_addr; timeout 0s; elements = { 1.2.3.4 } } |
    set s { type ipv4_addr; timeout 5; elements = { 1.2.3.4 } } |
    set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 timeout 5 } } |
    set s { type ipv4_addr; flags dynamic; elements = { 1.2.3.4 counter packets 5 bytes 6 } } |
    set s { type ipv4_addr; flags dynamic; counter; elements = { 1.2.3.4 counter packets 5 bytes 6 } } |
    set s { type ipv4_addr; counter; elements = { 1.2.3.4 limit rate 5/second } } |
    set s { type ipv4_addr; counter; limit rate 5/second; elements = { 1.2.3.4 } } |
    set s { type ipv4_addr; elements = { 1.2.3.4 counter } } |
    set s { type ipv4_addr; elements = { 1.2.3.4 limit rate 5/second, 1.2.3.5 counter } } |
    set s { type ipv4_addr; elements = { 1.2.3.4 counter, 1.2.3.5 } } |
    set s { type ipv4_addr; flags interval; counter; elements = { 1.2.3.0/24 counter, 1.2.4.5 } } |
    set s { type ipv4_addr; flags interval,timeout; elements = { 1.2.3.0/24 timeout 5m, 1.2.4.5 } } | ip saddr @s
    """#
}
