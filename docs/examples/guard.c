/* A program for a hook: no telnet, no LLMNR queries, and connections to the web bear the mark 80.
 *
 *   clang -target bpf -mcpu=v2 -O2 -ffreestanding -I CShims/CHook/include -c guard.c -o guard.o
 */
#include "dpdkfwd_bpf.h"

#define TCP 6
#define UDP 17

__attribute__((section("filter"))) unsigned long long guard(struct dpdkfwd_bpf_packet *packet)
{
    if (packet->ip_version == 0)
        return DPDKFWD_BPF_ACCEPT;
    if (packet->protocol == TCP) {
        if (packet->destination_port == 23)
            return DPDKFWD_BPF_DROP;
        if ((packet->ct_state & DPDKFWD_BPF_CT_NEW) && packet->destination_port == 80)
            packet->mark = 80;
        return DPDKFWD_BPF_ACCEPT;
    }
    /* The third byte of a DNS message has the bit that tells an answer from a query. */
    if (packet->protocol == UDP && packet->destination_port == 5355 && packet->transport + 8 + 2 < packet->held)
        return dpdkfwd_bpf_byte(packet, packet->transport + 8 + 2) & 0x80 ? DPDKFWD_BPF_ACCEPT : DPDKFWD_BPF_DROP;
    return DPDKFWD_BPF_ACCEPT;
}
