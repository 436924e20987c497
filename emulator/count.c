/* QEMU TCG plugin: exact instruction counts between two markers, per layer; taken branches; the memory
 * map of the part; the deepest stack write; and an instruction limit. Arguments: arguments.h.
 *
 * Writes a text report when the emulator ends, or when it ends the run itself:
 *
 *   atml-count 1
 *   end exit | limit PC | abort PC | read PC ADDRESS | write PC ADDRESS | execute PC | unaligned PC ADDRESS
 *   window INSTRUCTIONS                     one a completed pair of markers, in order (the first 4096)
 *   stack LOWEST                            lowest address written in the stack range, or the range's end
 *   unaligned COUNT                         accesses whose address is no multiple of their size
 *   lines COUNT                             data reads of flash that touch another 16-byte line than the last
 *   miss LAYER COUNT                        data reads of flash that a cache of the asked size did not hold
 *   block LAYER PC COUNT END EXECUTIONS TAKEN   LAYER -1: before the first layer was entered
 *
 * "write PC ADDRESS" and the like are violations of the map while counting; they end the run with exit
 * code 99, the limit with 98. Addresses of the system space (0xE0000000 and above) are not checked.
 * Only one virtual CPU exists on the boards in use, so nothing here is locked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arguments.h"
#include "blocks.h"
#include "qemu_plugin.h"

enum { kMaxWindows = 4096, kExitLimit = 98, kExitMap = 99 };
static const uint32_t kSystemSpace = 0xE0000000u;

ATML_EXPORT int qemu_plugin_version = 1;

static struct arguments arguments;
static bool active;               /* between start and stop */
static uint64_t stretch;          /* instructions since the last marker */
static uint64_t windows[kMaxWindows];
static size_t window_count;
static struct block *previous;    /* last block executed while active */
static size_t previous_tally;
static size_t current_tally;      /* layer + 1 */
static const struct block *last;  /* block entered, active or not */
static uint32_t lowest_stack;
static uint64_t unaligned;
static uint64_t flash_lines;
static uint32_t last_line;
static uint32_t cache[kMaxCacheSets][kCacheWays]; /* address / 32 + 1, the last used first; 0: empty */
static uint64_t misses[kMaxLayers + 1];           /* a tally each */

static void write_report(const char *end) {
  FILE *file = fopen(arguments.out, "w");
  if (file == NULL) {
    perror("atml_count: cannot write the report");
    _exit(97);
  }
  fprintf(file, "atml-count 1\nend %s\n", end);
  for (size_t i = 0; i < window_count; i++) fprintf(file, "window %" PRIu64 "\n", windows[i]);
  fprintf(file, "stack 0x%08" PRIx32 "\nunaligned %" PRIu64 "\nlines %" PRIu64 "\n", lowest_stack, unaligned,
          flash_lines);
  for (size_t t = 0; t <= arguments.layer_count; t++) {
    if (misses[t] > 0) fprintf(file, "miss %d %" PRIu64 "\n", (int)t - 1, misses[t]);
  }
  for (size_t i = 0; i < block_count(); i++) {
    const struct block *b = block_at(i);
    for (size_t t = 0; t <= arguments.layer_count; t++) {
      if (b->tallies[t].executions == 0) continue;
      fprintf(file, "block %d 0x%08" PRIx32 " %" PRIu32 " 0x%08" PRIx32 " %" PRIu64 " %" PRIu64 "\n", (int)t - 1,
              b->pc, b->count, b->end, b->tallies[t].executions, b->tallies[t].taken);
    }
  }
  if (fclose(file) != 0) _exit(97);
}

/* Whether the line is there; it is afterwards, as the last used. */
static bool cache_holds(uint32_t line) {
  uint32_t *const set = cache[line & (arguments.cache_sets - 1)];
  const uint32_t tag = line + 1;
  uint32_t before = tag;
  for (int way = 0; way < kCacheWays; way++) {
    const uint32_t here = set[way];
    set[way] = before;
    if (here == tag) return true;
    before = here;
  }
  return false;
}

static void end_run(int code, const char *what, uint32_t pc, const uint32_t *address) {
  char text[64];
  if (address != NULL) {
    snprintf(text, sizeof text, "%s 0x%08" PRIx32 " 0x%08" PRIx32, what, pc, *address);
  } else {
    snprintf(text, sizeof text, "%s 0x%08" PRIx32, what, pc);
  }
  write_report(text);
  _exit(code);
}

/* The callbacks that run for every block and every access cost more than the emulation itself, so what a
 * block is (a marker, a layer's first, outside flash) is decided once, when it is translated. */

static void count(struct block *block) {
  last = block;
  stretch += block->count;
  if (stretch > arguments.limit) end_run(kExitLimit, "limit", block->pc, NULL);
}

static void tally(struct block *block) {
  if (previous != NULL && previous->end != block->pc) previous->tallies[previous_tally].taken++;
  block->tallies[current_tally].executions++;
  previous = block;
  previous_tally = current_tally;
}

static void on_marker(unsigned int vcpu, void *userdata) {
  (void)vcpu;
  last = userdata;
  const bool starting = last->pc == arguments.start;
  if (previous != NULL) previous->tallies[previous_tally].taken++; /* the call of the stop marker */
  if (active && !starting && window_count < kMaxWindows) windows[window_count++] = stretch;
  active = starting;
  stretch = 0;
  previous = NULL;
  current_tally = 0;
}

static void on_block(unsigned int vcpu, void *userdata) {
  (void)vcpu;
  count(userdata);
  if (active) tally(userdata);
}

static void on_first_block_of_layer(unsigned int vcpu, void *userdata) {
  (void)vcpu;
  struct block *const block = userdata;
  count(block);
  if (!active) return;
  current_tally = (size_t)block->layer + 1;
  tally(block);
}

static void on_block_outside_flash(unsigned int vcpu, void *userdata) {
  (void)vcpu;
  struct block *const block = userdata;
  count(block);
  if (active) end_run(kExitMap, "execute", block->pc, NULL);
}

static void on_flash_read(uint32_t address) {
  if (address >> 4 == last_line) return;
  last_line = address >> 4;
  flash_lines++;
  if (arguments.cache_sets > 0 && !cache_holds(address >> 5)) misses[current_tally]++;
}

/* QEMU 7.2 calls back for loads and stores alike, whichever are asked for, and asking it which one this
 * is takes longer than the rest: the answer is kept with the instruction while `info` stays the same. */
static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t wide_address, void *userdata) {
  (void)vcpu;
  const uint32_t address = (uint32_t)wide_address;
  if (!active || address >= kSystemSpace) return;
  struct access *const access = userdata;
  if (access->size == 0 || access->info != info) {
    access->info = info;
    access->size = 1u << qemu_plugin_mem_size_shift(info);
    access->store = qemu_plugin_mem_is_store(info);
  }
  const uint32_t size = access->size;
  if (address & (size - 1)) {
    unaligned++;
    if (arguments.align) end_run(kExitMap, "unaligned", access->pc, &address);
  }
  if (access->store && address < lowest_stack && address >= arguments.stack.low) lowest_stack = address;
  if (!arguments.enforce || contains(arguments.ram, address, size) || contains(arguments.stack, address, size)) return;
  if (access->store || !contains(arguments.flash, address, size)) {
    end_run(kExitMap, access->store ? "write" : "read", access->pc, &address);
  }
  on_flash_read(address);
}

static int layer_at(uint32_t pc) {
  for (size_t i = 0; i < arguments.layer_count; i++) {
    if (arguments.layers[i] == pc) return (int)i;
  }
  return -1;
}

static qemu_plugin_vcpu_udata_cb_t callback_for(const struct block *block) {
  if (block->pc == arguments.start || block->pc == arguments.stop) return on_marker;
  if (arguments.enforce && !contains(arguments.flash, block->pc, 2)) return on_block_outside_flash;
  return block->layer >= 0 ? on_first_block_of_layer : on_block;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  const size_t length = qemu_plugin_tb_n_insns(tb);
  const struct qemu_plugin_insn *final = qemu_plugin_tb_get_insn(tb, length - 1);
  const uint32_t pc = (uint32_t)qemu_plugin_tb_vaddr(tb);
  const uint32_t end = (uint32_t)(qemu_plugin_insn_vaddr(final) + qemu_plugin_insn_size(final));
  struct block *block = find_block(pc, (uint32_t)length, end, arguments.layer_count);
  block->layer = layer_at(pc);
  qemu_plugin_register_vcpu_tb_exec_cb(tb, callback_for(block), QEMU_PLUGIN_CB_NO_REGS, block);
  for (size_t i = 0; i < length; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    block->accesses[i].pc = (uint32_t)qemu_plugin_insn_vaddr(insn);
    qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                     &block->accesses[i]);
  }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *userdata) {
  (void)id;
  (void)userdata;
  write_report("exit");
}

/* A lock-up of the core makes QEMU abort: say where. Not async-signal-safe by the letter, but the
 * process is lost anyway and the signal comes from QEMU's own call of abort(). */
static void on_abort(int number) {
  (void)number;
  signal(SIGABRT, SIG_DFL);
  end_run(134, "abort", last == NULL ? 0 : last->pc, NULL);
}

ATML_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);
ATML_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  (void)info;
  if (!parse_arguments(argc, argv, &arguments)) return -1;
  lowest_stack = arguments.stack.high;
  signal(SIGABRT, on_abort);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
