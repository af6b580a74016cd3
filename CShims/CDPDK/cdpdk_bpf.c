#include "cdpdk_bpf.h"

#include <rte_config.h>

#include <rte_bpf.h>

struct rte_bpf *cdpdk_bpf_load(const void *instructions, uint32_t count, uint32_t argument)
{
    struct rte_bpf_prm wanted = {
        .ins = instructions,
        .nb_ins = count,
        .prog_arg = { .type = RTE_BPF_ARG_PTR, .size = argument },
    };

    return rte_bpf_load(&wanted);
}

void cdpdk_bpf_destroy(struct rte_bpf *program) { rte_bpf_destroy(program); }

uint64_t (*cdpdk_bpf_code(const struct rte_bpf *program, size_t *size))(void *argument)
{
    struct rte_bpf_jit made = { 0 };

    if (rte_bpf_get_jit(program, &made) != 0)
        return NULL;
    *size = made.sz;
    return made.func;
}

uint64_t cdpdk_bpf_interpret(const void *program, void *argument) { return rte_bpf_exec(program, argument); }
