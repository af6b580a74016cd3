#define ALLOW_EXPERIMENTAL_API /* rte_flow_get_aged_flows */
#include "cdpdk_flow.h"
#include "cdpdk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_flow.h>

/* Tokens travel as pointers, and drivers take NULL for "none was given". */
static void *token_pointer(uint64_t token) { return (void *) (uintptr_t) (token + 1); }
static uint64_t pointer_token(const void *pointer) { return (uint64_t) (uintptr_t) pointer - 1; }

/* The driver's words where it has some. */
static int refused(int failed, const struct rte_flow_error *error, char *reason)
{
    int code = failed < 0 ? -failed : rte_errno;

    snprintf(reason, CDPDK_FLOW_REASON, "%s", error->message != NULL ? error->message : rte_strerror(code));
    return code > 0 ? -code : -EINVAL;
}

/* Packets go where they went: by the port's own spreading, or to the one queue it has. */
struct fate {
    struct rte_flow_action_queue queue;
    struct rte_flow_action_rss rss;
    uint16_t queues[RTE_MAX_QUEUES_PER_PORT];
    uint8_t key[CDPDK_SPREAD_KEY];
};

static int choose_fate(uint16_t port, uint16_t queue, struct fate *fate, struct rte_flow_action *action)
{
    struct rte_eth_rss_conf conf = { .rss_key = fate->key, .rss_key_len = sizeof fate->key };
    struct rte_eth_dev_info info;
    int failed = rte_eth_dev_info_get(port, &info);

    if (failed != 0)
        return failed;
    if (queue != CDPDK_FLOW_ANY_QUEUE || info.nb_rx_queues <= 1) {
        fate->queue.index = queue != CDPDK_FLOW_ANY_QUEUE ? queue : 0;
        *action = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &fate->queue };
        return 0;
    }
    for (uint16_t i = 0; i < info.nb_rx_queues; i++)
        fate->queues[i] = i;
    fate->rss.queue_num = info.nb_rx_queues;
    fate->rss.queue = fate->queues;
    /* A driver that cannot say how it spreads takes zeros for its own way. */
    if (rte_eth_dev_rss_hash_conf_get(port, &conf) == 0) {
        fate->rss.types = conf.rss_hf;
        fate->rss.key_len = conf.rss_key != NULL ? conf.rss_key_len : 0;
        fate->rss.key = fate->rss.key_len != 0 ? fate->key : NULL;
    }
    *action = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &fate->rss };
    return 0;
}

int cdpdk_flow_place(uint16_t port, const struct cdpdk_flow_rule *wanted, uintptr_t *rule, char *reason)
{
    static const struct rte_flow_attr incoming = { .ingress = 1 };
    struct rte_flow_item_ipv4 v4 = { 0 }, v4_mask = { 0 };
    struct rte_flow_item_ipv6 v6 = { 0 }, v6_mask = { 0 };
    struct rte_flow_item_tcp tcp = { 0 }, tcp_mask = { 0 };
    struct rte_flow_item_udp udp = { 0 }, udp_mask = { 0 };
    struct rte_flow_item pattern[] = {
        { .type = RTE_FLOW_ITEM_TYPE_ETH },
        wanted->ipv6
            ? (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_IPV6, .spec = &v6, .mask = &v6_mask }
            : (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &v4, .mask = &v4_mask },
        wanted->tcp ? (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_TCP, .spec = &tcp, .mask = &tcp_mask }
                    : (struct rte_flow_item){ .type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &udp, .mask = &udp_mask },
        { .type = RTE_FLOW_ITEM_TYPE_END },
    };
    struct rte_flow_action_mark mark = { .id = wanted->mark };
    struct rte_flow_action_count count = { 0 };
    struct rte_flow_action_age age = { .timeout = wanted->timeout, .context = token_pointer(wanted->token) };
    struct fate fate = { 0 };
    struct rte_flow_action actions[] = {
        { .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark },
        { .type = RTE_FLOW_ACTION_TYPE_COUNT, .conf = &count },
        { .type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age },
        { .type = RTE_FLOW_ACTION_TYPE_VOID },
        { .type = RTE_FLOW_ACTION_TYPE_END },
    };
    struct rte_flow_error error = { 0 };
    struct rte_flow *made;
    int failed = choose_fate(port, wanted->queue, &fate, &actions[3]);

    if (failed != 0)
        return refused(failed, &error, reason);
    memcpy(&v4.hdr.src_addr, wanted->source, 4);
    memcpy(&v4.hdr.dst_addr, wanted->destination, 4);
    v4_mask.hdr.src_addr = v4_mask.hdr.dst_addr = UINT32_MAX;
    memcpy(v6.hdr.src_addr, wanted->source, 16);
    memcpy(v6.hdr.dst_addr, wanted->destination, 16);
    memset(v6_mask.hdr.src_addr, 0xff, 16);
    memset(v6_mask.hdr.dst_addr, 0xff, 16);
    tcp.hdr.src_port = udp.hdr.src_port = rte_cpu_to_be_16(wanted->source_port);
    tcp.hdr.dst_port = udp.hdr.dst_port = rte_cpu_to_be_16(wanted->destination_port);
    tcp_mask.hdr.src_port = tcp_mask.hdr.dst_port = UINT16_MAX;
    udp_mask.hdr.src_port = udp_mask.hdr.dst_port = UINT16_MAX;

    failed = rte_flow_validate(port, &incoming, pattern, actions, &error);
    if (failed != 0)
        return refused(failed, &error, reason);
    made = rte_flow_create(port, &incoming, pattern, actions, &error);
    if (made == NULL)
        return refused(0, &error, reason);
    *rule = (uintptr_t) made;
    return 0;
}

int cdpdk_flow_count(uint16_t port, uintptr_t rule, uint64_t *packets, uint64_t *bytes, char *reason)
{
    static const struct rte_flow_action counter[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
                                                      { .type = RTE_FLOW_ACTION_TYPE_END } };
    struct rte_flow_query_count reading = { 0 };
    struct rte_flow_error error = { 0 };
    int failed = rte_flow_query(port, (struct rte_flow *) rule, counter, &reading, &error);

    if (failed != 0)
        return refused(failed, &error, reason);
    *packets = reading.hits_set ? reading.hits : 0;
    *bytes = reading.bytes_set ? reading.bytes : 0;
    return 0;
}

int cdpdk_flow_remove(uint16_t port, uintptr_t rule, char *reason)
{
    struct rte_flow_error error = { 0 };
    int failed = rte_flow_destroy(port, (struct rte_flow *) rule, &error);

    return failed == 0 ? 0 : refused(failed, &error, reason);
}

int cdpdk_flow_aged(uint16_t port, uint64_t *tokens, uint32_t room)
{
    struct rte_flow_error error = { 0 };
    void *contexts[256];
    int found = rte_flow_get_aged_flows(port, contexts, room < 256 ? room : 256, &error);

    for (int i = 0; i < found; i++)
        tokens[i] = pointer_token(contexts[i]);
    return found;
}
