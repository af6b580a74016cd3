#define _GNU_SOURCE
#include "cdpdk.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void cdpdk_sleep(uint32_t nanoseconds)
{
    static __thread bool precise;
    struct timespec t = { .tv_sec = 0, .tv_nsec = nanoseconds };

    if (!precise) {
        prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
        precise = true;
    }
    nanosleep(&t, NULL);
}

/* Puts bytes behind those that a packet has. */
static bool mbuf_append(struct rte_mbuf *head, const uint8_t *bytes, uint32_t count)
{
    struct rte_mbuf *tail = rte_pktmbuf_lastseg(head);

    while (count > 0) {
        uint16_t room = rte_pktmbuf_tailroom(tail);
        uint32_t take = count < room ? count : room;

        if (take == 0) {
            struct rte_mbuf *next = rte_pktmbuf_alloc(head->pool);

            if (next == NULL)
                return false;
            tail->next = next;
            head->nb_segs++;
            tail = next;
            continue;
        }
        memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len), bytes, take);
        tail->data_len += take;
        head->pkt_len += take;
        bytes += take;
        count -= take;
    }
    return true;
}

struct rte_mbuf *cdpdk_mbuf_make(const struct rte_mbuf *like, const void *header, uint32_t header_length,
                                 const void *payload, uint32_t payload_length)
{
    struct rte_mbuf *made = rte_pktmbuf_alloc(like->pool);

    if (made == NULL)
        return NULL;
    made->port = like->port;
    if (mbuf_append(made, header, header_length) && mbuf_append(made, payload, payload_length))
        return made;
    rte_pktmbuf_free(made);
    return NULL;
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

#define RX_L4 (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define TX_L4 (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM)

#define SPREAD_V4 (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER)
#define SPREAD_V6 (RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER)

int cdpdk_port_facts(uint16_t port, struct cdpdk_port_facts *f)
{
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac;
    int failed;

    memset(f, 0, sizeof *f);
    if ((failed = rte_eth_dev_info_get(port, &info)) != 0 || (failed = rte_eth_macaddr_get(port, &mac)) != 0 ||
        (failed = rte_eth_dev_get_mtu(port, &f->mtu)) != 0)
        return failed;
    snprintf(f->driver, sizeof f->driver, "%s", info.driver_name ? info.driver_name : "");
    if (rte_eth_dev_get_name_by_port(port, f->device) != 0)
        f->device[0] = '\0';
    memcpy(f->mac, mac.addr_bytes, sizeof f->mac);
    f->rx_queues_max = info.max_rx_queues;
    f->tx_queues_max = info.max_tx_queues;
    f->rx_descriptors_min = info.rx_desc_lim.nb_min;
    f->rx_descriptors_max = info.rx_desc_lim.nb_max;
    f->rx_descriptors_align = info.rx_desc_lim.nb_align;
    f->tx_descriptors_min = info.tx_desc_lim.nb_min;
    f->tx_descriptors_max = info.tx_desc_lim.nb_max;
    f->tx_descriptors_align = info.tx_desc_lim.nb_align;
    f->mtu_max = info.max_mtu;
    f->socket = rte_eth_dev_socket_id(port);
    f->rx_checksum_l4 = (info.rx_offload_capa & RX_L4) == RX_L4;
    f->rx_scatter = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
    f->tx_checksum_l4 = (info.tx_offload_capa & TX_L4) == TX_L4;
    f->tx_tso = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
    if ((info.flow_type_rss_offloads & SPREAD_V4) != 0 && (info.flow_type_rss_offloads & SPREAD_V6) != 0 &&
        info.hash_key_size >= 40 && info.hash_key_size <= CDPDK_SPREAD_KEY)
        f->spread_table = info.reta_size;
    return 0;
}

int cdpdk_port_setup(uint16_t port, const struct cdpdk_port_setup *s, const char **step)
{
    struct rte_eth_conf conf = { 0 };
    struct rte_eth_dev_info info;
    int failed;
    uint16_t q, conf_mtu;

    *step = "information";
    if ((failed = rte_eth_dev_info_get(port, &info)) != 0)
        return failed;
    /* Zero would mean 1500 to rte_eth_dev_configure; the port shall stay as it is. */
    conf.rxmode.mtu = s->mtu;
    if (s->mtu == 0 && (failed = rte_eth_dev_get_mtu(port, &conf_mtu)) == 0)
        conf.rxmode.mtu = conf_mtu;
    if (s->rx_checksum_l4)
        conf.rxmode.offloads |= RX_L4;
    if (s->rx_scatter)
        conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    if (s->tx_checksum_l4)
        conf.txmode.offloads |= TX_L4;
    if (s->tx_tso)
        conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
    conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    if (s->rss && s->rx_queues > 1 && info.flow_type_rss_offloads != 0) {
        /* Addresses only: the pieces of a datagram, which carry no ports, stay with their flow. */
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & (SPREAD_V4 | SPREAD_V6);
        if (s->spread_key != NULL && info.hash_key_size <= CDPDK_SPREAD_KEY) {
            conf.rx_adv_conf.rss_conf.rss_key = (uint8_t *) (uintptr_t) s->spread_key;
            conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
        }
    }
    *step = "configuration";
    if ((failed = rte_eth_dev_configure(port, s->rx_queues, s->tx_queues, &conf)) != 0)
        return failed;
    if (s->mtu != 0) {
        *step = "MTU";
        failed = rte_eth_dev_set_mtu(port, s->mtu);
        if (failed != 0 && failed != -ENOTSUP)
            return failed;
    }
    *step = "receive queue";
    for (q = 0; q < s->rx_queues; q++)
        if ((failed = rte_eth_rx_queue_setup(port, q, s->rx_descriptors, rte_eth_dev_socket_id(port), NULL, s->pool)))
            return failed;
    *step = "transmit queue";
    for (q = 0; q < s->tx_queues; q++)
        if ((failed = rte_eth_tx_queue_setup(port, q, s->tx_descriptors, rte_eth_dev_socket_id(port), NULL)))
            return failed;
    return 0;
}

int cdpdk_port_spread(uint16_t port, const uint16_t *queues, uint16_t size)
{
    struct rte_eth_rss_reta_entry64 table[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
    uint16_t i;

    if (size > RTE_ETH_RSS_RETA_SIZE_512)
        return -ENOTSUP;
    memset(table, 0, sizeof table);
    for (i = 0; i < size; i++) {
        table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
        table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = queues[i];
    }
    return rte_eth_dev_rss_reta_update(port, table, size);
}

struct rte_ring *cdpdk_ring_create(const char *name, uint32_t size, int socket)
{
    return rte_ring_create(name, size, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int cdpdk_port_link(uint16_t port, uint32_t *speed, bool *up)
{
    struct rte_eth_link link;
    int failed = rte_eth_link_get_nowait(port, &link);

    if (failed != 0)
        return failed;
    *speed = link.link_speed;
    *up = link.link_status == RTE_ETH_LINK_UP;
    return 0;
}

bool cdpdk_interface_up(uint16_t port)
{
    struct rte_eth_dev_info info;
    struct ifreq request = { 0 };
    int any_socket, failed;

    if (rte_eth_dev_info_get(port, &info) != 0 || info.if_index == 0)
        return true;
    any_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    failed = if_indextoname(info.if_index, request.ifr_name) == NULL || ioctl(any_socket, SIOCGIFFLAGS, &request) != 0;
    close(any_socket);
    return !failed && (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

/* ---- pools, log ------------------------------------------------------------------------------------------------- */

uint32_t cdpdk_element_size(uint16_t data_room)
{
    return rte_mempool_calc_obj_size(sizeof(struct rte_mbuf) + data_room, 0, NULL);
}

uint32_t cdpdk_mempool_cached(struct rte_mempool *pool)
{
    uint32_t sum = 0;
    unsigned int lcore;

    for (lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
        const struct rte_mempool_cache *cache = rte_mempool_default_cache(pool, lcore);

        if (cache != NULL)
            sum += cache->len;
    }
    return sum;
}

int cdpdk_become(uint32_t user, uint32_t group, const char **step)
{
    gid_t groups[] = { group }, gid[3];
    uid_t uid[3];

    /* The C library has every thread follow, where the bare system calls would change the caller alone. */
    if (*step = "setgroups", setgroups(1, groups) != 0)
        return errno;
    if (*step = "setresgid", setresgid(group, group, group) != 0)
        return errno;
    if (*step = "setresuid", setresuid(user, user, user) != 0)
        return errno;
    /* The kernel denies dumps and debuggers to a process that changed its user, until told otherwise. */
    if (*step = "prctl", prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
        return errno;
    *step = "check";
    if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 || getresgid(&gid[0], &gid[1], &gid[2]) != 0)
        return errno;
    for (int i = 0; i < 3; i++)
        if (uid[i] != user || gid[i] != group)
            return EPERM;
    return setresuid((uid_t) -1, 0, (uid_t) -1) == 0 || setresgid((gid_t) -1, 0, (gid_t) -1) == 0 ? EPERM : 0;
}

void cdpdk_settle_output(void)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    signal(SIGPIPE, SIG_IGN);
}

static sigset_t stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

void cdpdk_stop_signals_block(bool block)
{
    sigset_t set = stop_signals();

    if (!block) {
        signal(SIGHUP, SIG_IGN);
    }
    pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int cdpdk_stop_signals_wait(uint64_t nanoseconds)
{
    sigset_t set = stop_signals();
    struct timespec t = { .tv_sec = (time_t) (nanoseconds / 1000000000), .tv_nsec = (long) (nanoseconds % 1000000000) };
    int signal = sigtimedwait(&set, NULL, &t);

    return signal > 0 ? signal : 0;
}

struct cdpdk_cpus cdpdk_cpus_get(void)
{
    struct cdpdk_cpus cpus = { { 0 } };

    sched_getaffinity(0, sizeof cpus.bits, (cpu_set_t *) (void *) cpus.bits);
    return cpus;
}

void cdpdk_cpus_set(struct cdpdk_cpus cpus)
{
    sched_setaffinity(0, sizeof cpus.bits, (const cpu_set_t *) (const void *) cpus.bits);
}

static cdpdk_log_line log_line;

static ssize_t bridge_write(void *cookie, const char *text, size_t length)
{
    (void) cookie;
    log_line((uint32_t) rte_log_cur_msg_loglevel(), text, length);
    return (ssize_t) length;
}

int cdpdk_log_bridge(cdpdk_log_line line)
{
    static const cookie_io_functions_t functions = { .write = bridge_write };
    FILE *stream;

    log_line = line;
    stream = fopencookie(NULL, "w", functions);
    if (stream == NULL)
        return -errno;
    setvbuf(stream, NULL, _IOLBF, BUFSIZ);
    return rte_openlog_stream(stream);
}
