/* SPDX-License-Identifier: Apache-2.0

   A Valgrind tool that counts the DRAM traffic of a program's data: a first level of cache in
   front of last levels of several sizes, all of them at once.

   Every level is sets of ways, least recently used, write-back and write-allocate; no level
   includes another. What the first level misses is asked of each last level; so is a dirty line
   that leaves the first level, and if a last level does not have that line, it takes a way
   without being fetched. An access that crosses lines touches each of them. Instructions have no
   part in it. memsim/engines/cache/levels.py does the same to traces of spans.

   The program marks where it is by lseek(file, MARK + n, SEEK_SET) on /dev/null, where that has no
   effect.
   Nothing is simulated before the first mark. Each mark writes a line of the counts since then to
   --out=FILE, in which %p is the process: children that are forked before the first mark have
   caches and counts of their own.

     n loads stores  first: load misses, store misses, dirty evictions  the same of each last level

   in lines of 64 bytes. A last level's misses by loads are reads, those by stores are lines that
   are fetched before they are written, its dirty evictions are writes.

   Fused multiply-adds of single precision, which Valgrind computes in software, lane by lane, are
   a product and a sum here, each rounded: what is computed may differ in the last bit, where it is
   loaded from and stored to does not. --fma=exact leaves them as they are. */

#include "pub_tool_basics.h"
#include "pub_tool_libcassert.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_libcprint.h"
#include "pub_tool_libcproc.h"
#include "pub_tool_machine.h"
#include "pub_tool_mallocfree.h"
#include "pub_tool_options.h"
#include "pub_tool_tooliface.h"
#include "pub_tool_vki.h"
#include "pub_tool_vkiscnums.h"

#define LINE_BITS 6
#define MOST_SIZES 16
#define MOST_WAYS 64
#define MARK 0x6d656d73690000 /* "memsi", which is below the largest offset of a file */
#define MARKS 65536

/* ---- options */

static const HChar *out_name = NULL, *trace_name = NULL, *fma = "fast";
static Int ways = 16, first_ways = 8;
static UInt sizes = 0;
static ULong size_bytes[MOST_SIZES], first_bytes = 32768;

/* ---- lines: what is known of each, whichever levels hold it */

typedef struct {
   ULong used;  /* when it was last asked for, the same for every size that holds it */
   UShort held; /* a bit for each size that holds it */
   UShort dirty;
   UInt number; /* of the line in its chunk, to find the chunk's start */
} Line;

#define CHUNK_BITS 12
#define CHUNK (1u << CHUNK_BITS)
#define SLOTS (1u << 18)

typedef struct {
   UWord key; /* number of the chunk plus 1; 0: free */
   Line *lines;
} Slot;

static Slot slots[SLOTS];
static UInt chunks = 0;

static Line *find(UWord line) {
   UWord key = (line >> CHUNK_BITS) + 1;
   UWord at = (key * 0x9E3779B97F4A7C15ull) >> (64 - 18);
   while (slots[at].key != key) {
      if (slots[at].key == 0) {
         UInt n;
         tl_assert(++chunks < SLOTS / 2);
         slots[at].key = key;
         slots[at].lines = VG_(calloc)("data_cache.lines", CHUNK, sizeof(Line));
         for (n = 0; n < CHUNK; n++) slots[at].lines[n].number = n;
      }
      else
         at = (at + 1) & (SLOTS - 1);
   }
   return &slots[at].lines[line & (CHUNK - 1)];
}

/* ---- last levels */

typedef struct {
   ULong sets, mask; /* mask: sets - 1 where that is a power of two, else 0 */
   Line **way;       /* sets x ways; NULL: free */
   ULong misses[3];  /* by loads, by stores, dirty lines evicted */
} Last;

enum { LOAD = 0, STORE = 1, BACK = 2 };

static Last last[MOST_SIZES];
static ULong clock_ = 0;
static UShort everywhere = 0;

static void take_way(UInt size, UWord line, Line *record, UInt kind) {
   Last *level = &last[size];
   UWord set = level->mask || level->sets == 1 ? line & level->mask : line % level->sets;
   Line **way = &level->way[set * ways];
   UShort bit = 1u << size;
   Int n, oldest = 0;
   for (n = 0; n < ways; n++) {
      if (way[n] == NULL) { oldest = n; break; }
      if (way[n]->used < way[oldest]->used) oldest = n;
   }
   if (way[oldest] != NULL) {
      if (way[oldest]->dirty & bit) level->misses[BACK]++;
      way[oldest]->held &= ~bit;
      way[oldest]->dirty &= ~bit;
   }
   if (kind != BACK) level->misses[kind]++;
   way[oldest] = record;
}

static void ask_last(UWord line, UInt kind) {
   Line *record = find(line);
   UInt missing = everywhere & ~record->held;
   while (missing) {
      UInt size = __builtin_ctz(missing);
      take_way(size, line, record, kind);
      missing &= missing - 1;
   }
   record->held = everywhere;
   record->used = ++clock_;
   if (kind == BACK) record->dirty = everywhere;
}

/* ---- the first level: each set has its most recent line first */

static UWord *first; /* sets x ways of twice the line plus 1 where it is dirty */
static UWord first_mask;
static ULong touched[2], first_misses[3];

#define NO_LINE (~(UWord)1)

static void __attribute__((noinline)) not_first(UWord *way, UWord line, UInt kind) {
   UWord tag, victim;
   Int n, m;
   for (n = 1; n < first_ways; n++)
      if (way[n] >> 1 == line) {
         tag = way[n] | kind;
         for (m = n; m > 0; m--) way[m] = way[m - 1];
         way[0] = tag;
         return;
      }
   victim = way[first_ways - 1];
   for (m = first_ways - 1; m > 0; m--) way[m] = way[m - 1];
   way[0] = line << 1 | kind;
   first_misses[kind]++;
   ask_last(line, kind);
   if (victim & 1) {
      first_misses[BACK]++;
      ask_last(victim >> 1, BACK);
   }
}

static inline void touch(UWord line, UInt kind) {
   UWord *way = &first[(line & first_mask) * first_ways];
   touched[kind]++;
   if (way[0] >> 1 == line)
      way[0] |= kind;
   else
      not_first(way, line, kind);
}

static Int trace_file = -1;

static void record_access(Addr address, UWord size, UWord kind) {
   ULong entry[3] = {address, size, kind};
   if (trace_file >= 0) VG_(write)(trace_file, entry, sizeof entry);
}

static inline void access(Addr address, UWord size, UInt kind) {
   UWord line = address >> LINE_BITS, end = (address + size - 1) >> LINE_BITS;
   if (UNLIKELY(trace_file >= 0)) record_access(address, size, kind);
   touch(line, kind);
   while (UNLIKELY(line != end)) touch(++line, kind);
}

static VG_REGPARM(2) void load(Addr address, UWord size) { access(address, size, LOAD); }
static VG_REGPARM(2) void store(Addr address, UWord size) { access(address, size, STORE); }

/* ---- instrumentation */

static Bool simulating = False;

static void count(IRSB *to, UInt kind, IRExpr *address, Int size, IRExpr *guard) {
   IRDirty *call = unsafeIRDirty_0_N(
      2, kind == LOAD ? "load" : "store",
      VG_(fnptr_to_fnentry)(kind == LOAD ? (void *)load : (void *)store),
      mkIRExprVec_2(address, mkIRExpr_HWord(size)));
   if (guard != NULL) call->guard = guard;
   addStmtToIRSB(to, IRStmt_Dirty(call));
}

static IRExpr *give(IRSB *to, IRType type, IRExpr *value) {
   IRTemp temp = newIRTemp(to->tyenv, type);
   addStmtToIRSB(to, IRStmt_WrTmp(temp, value));
   return IRExpr_RdTmp(temp);
}

/* a x b + c of single precision by the processor's own product and sum, in lane 0 of vectors */
static IRExpr *multiply_add(IRSB *to, IRQop *op) {
   IRExpr *operand[3];
   UInt n;
   IRExpr *all[3] = {op->arg2, op->arg3, op->arg4};
   for (n = 0; n < 3; n++) {
      IRExpr *bits = give(to, Ity_I32, IRExpr_Unop(Iop_ReinterpF32asI32, all[n]));
      operand[n] = give(to, Ity_V128, IRExpr_Unop(Iop_32UtoV128, bits));
   }
   IRExpr *product = give(to, Ity_V128, IRExpr_Binop(Iop_Mul32F0x4, operand[0], operand[1]));
   IROp last_op = op->op == Iop_MAddF32 ? Iop_Add32F0x4 : Iop_Sub32F0x4;
   IRExpr *sum = give(to, Ity_V128, IRExpr_Binop(last_op, product, operand[2]));
   IRExpr *bits = give(to, Ity_I32, IRExpr_Unop(Iop_V128to32, sum));
   return IRExpr_Unop(Iop_ReinterpI32asF32, bits);
}

static IRQop *fma_of(const IRStmt *st) {
   if (st->tag != Ist_WrTmp || st->Ist.WrTmp.data->tag != Iex_Qop) return NULL;
   IRQop *op = st->Ist.WrTmp.data->Iex.Qop.details;
   return op->op == Iop_MAddF32 || op->op == Iop_MSubF32 ? op : NULL;
}

/* ---- multiply-adds of vectors

   Valgrind takes them apart into lanes. Four lanes whose operands and results lie side by side in
   the guest's registers are put together again. That needs all registers to be up to date at each
   instruction (--vex-iropt-register-updates=allregs-at-each-insn). */

#define WORDS 1024
#define MOST_LANES 8
#define NOWHERE 0xffffffffu

static UInt *where = NULL, *since = NULL; /* a place with a temporary's value, and since when */
static UInt version[WORDS];               /* how often each word of the registers was written */
static UInt temps = 0;

static void forget_all(void) {
   UInt n;
   for (n = 0; n < WORDS; n++) version[n]++;
}

static void begin_block(const IRSB *from) {
   UInt n;
   if ((UInt)from->tyenv->types_used > temps) {
      temps = 2 * from->tyenv->types_used;
      where = VG_(realloc)("data_cache.where", where, temps * sizeof(UInt));
      since = VG_(realloc)("data_cache.since", since, temps * sizeof(UInt));
   }
   for (n = 0; n < (UInt)from->tyenv->types_used; n++) where[n] = NOWHERE;
}

static void lies_at(IRTemp temp, UInt offset) {
   if (offset % 4 || offset / 4 >= WORDS) return;
   where[temp] = offset;
   since[temp] = version[offset / 4];
}

static UInt place_of(const IRExpr *value) {
   if (value->tag != Iex_RdTmp || where[value->Iex.RdTmp.tmp] == NOWHERE) return NOWHERE;
   UInt offset = where[value->Iex.RdTmp.tmp];
   return since[value->Iex.RdTmp.tmp] == version[offset / 4] ? offset : NOWHERE;
}

/* What a statement tells of registers and temporaries. */
static void follow(const IRSB *from, const IRStmt *st) {
   UInt n;
   switch (st->tag) {
   case Ist_Put: {
      UInt size = sizeofIRType(typeOfIRExpr(from->tyenv, st->Ist.Put.data));
      for (n = st->Ist.Put.offset / 4; n <= (st->Ist.Put.offset + size - 1) / 4; n++)
         if (n < WORDS) version[n]++;
      if (st->Ist.Put.data->tag == Iex_RdTmp && size == 4)
         lies_at(st->Ist.Put.data->Iex.RdTmp.tmp, st->Ist.Put.offset);
      break;
   }
   case Ist_WrTmp: {
      const IRExpr *data = st->Ist.WrTmp.data;
      if (data->tag == Iex_Get && data->Iex.Get.ty == Ity_F32)
         lies_at(st->Ist.WrTmp.tmp, data->Iex.Get.offset);
      else if (data->tag == Iex_RdTmp && place_of(data) != NOWHERE)
         lies_at(st->Ist.WrTmp.tmp, place_of(data));
      break;
   }
   case Ist_PutI: case Ist_Dirty: forget_all(); break;
   default: break;
   }
}

typedef struct {
   UInt lanes, puts;
   IRQop *op[MOST_LANES];
   IRTemp result[MOST_LANES], copy[MOST_LANES];
   UInt from[3], to; /* places of lane 0 */
} Vector;

static Bool next_lane(UInt *first, UInt lane, UInt place) {
   if (place == NOWHERE) return False;
   if (lane == 0) *first = place;
   return place == *first + 4 * lane;
}

/* Take in one statement; whether the instruction may still be one multiply-add. */
static Bool add_part(const IRStmt *st, Vector *vector) {
   IRQop *op = fma_of(st);
   UInt k, lane = vector->lanes;
   if (op != NULL) {
      const IRExpr *operand[3] = {op->arg2, op->arg3, op->arg4};
      if (lane == MOST_LANES || lane != vector->puts) return False;
      for (k = 0; k < 3; k++)
         if (!next_lane(&vector->from[k], lane, place_of(operand[k]))) return False;
      vector->op[lane] = op;
      vector->result[lane] = vector->copy[lane] = st->Ist.WrTmp.tmp;
      vector->lanes++;
      return True;
   }
   if (lane == 0) return True;
   if (st->tag == Ist_WrTmp && st->Ist.WrTmp.data->tag == Iex_RdTmp &&
       st->Ist.WrTmp.data->Iex.RdTmp.tmp == vector->result[lane - 1])
      vector->copy[lane - 1] = st->Ist.WrTmp.tmp;
   if (st->tag == Ist_Put && st->Ist.Put.data->tag == Iex_RdTmp &&
       (st->Ist.Put.data->Iex.RdTmp.tmp == vector->result[lane - 1] ||
        st->Ist.Put.data->Iex.RdTmp.tmp == vector->copy[lane - 1]))
      return vector->puts < lane && next_lane(&vector->to, vector->puts++, st->Ist.Put.offset);
   return st->tag == Ist_Put || st->tag == Ist_WrTmp || st->tag == Ist_NoOp;
}

/* Whether the statements of an instruction are one multiply-add of 4 or 8 lanes. */
static Bool is_vector(const IRSB *from, Int begin, Int end, Vector *vector) {
   Bool whole = True;
   Int n;
   VG_(memset)(vector, 0, sizeof *vector);
   for (n = begin; n < end; n++) {
      whole = whole && add_part(from->stmts[n], vector);
      follow(from, from->stmts[n]);
   }
   return whole && (vector->lanes == 4 || vector->lanes == 8) && vector->puts == vector->lanes;
}

static IRExpr *vector_at(IRSB *to, UInt offset) {
   return give(to, Ity_V128, IRExpr_Get(offset, Ity_V128));
}

static void together(IRSB *to, const Vector *vector) {
   UInt n;
   IRExpr *sums[2];
   IROp last_op = vector->op[0]->op == Iop_MAddF32 ? Iop_Add32Fx4 : Iop_Sub32Fx4;
   for (n = 0; n < vector->lanes; n += 4) {
      IRExpr *mode = vector->op[0]->arg1;
      IRExpr *a = vector_at(to, vector->from[0] + 4 * n);
      IRExpr *b = vector_at(to, vector->from[1] + 4 * n);
      IRExpr *c = vector_at(to, vector->from[2] + 4 * n);
      IRExpr *product = give(to, Ity_V128, IRExpr_Triop(Iop_Mul32Fx4, mode, a, b));
      sums[n / 4] = give(to, Ity_V128, IRExpr_Triop(last_op, mode, product, c));
   }
   for (n = 0; n < vector->lanes; n += 4)
      addStmtToIRSB(to, IRStmt_Put(vector->to + 4 * n, sums[n / 4]));
   for (n = 0; n < vector->lanes; n++) /* where nothing else reads them they are removed again */
      addStmtToIRSB(to, IRStmt_WrTmp(vector->result[n], IRExpr_Get(vector->to + 4 * n, Ity_F32)));
}

/* Whether a statement belongs to the lanes that are put together. */
static Bool is_part(const IRStmt *st, const Vector *vector) {
   UInt n;
   if (fma_of(st) != NULL) return True;
   if (st->tag != Ist_Put || st->Ist.Put.data->tag != Iex_RdTmp) return False;
   for (n = 0; n < vector->lanes; n++)
      if (st->Ist.Put.data->Iex.RdTmp.tmp == vector->result[n] ||
          st->Ist.Put.data->Iex.RdTmp.tmp == vector->copy[n])
         return True;
   return False;
}

static Bool is_copy(const IRStmt *st, const Vector *vector) {
   UInt n;
   for (n = 0; n < vector->lanes; n++)
      if (st->tag == Ist_WrTmp && st->Ist.WrTmp.tmp == vector->copy[n] && fma_of(st) == NULL)
         return True;
   return False;
}

static void counted(IRSB *to, const IRStmt *st) {
   switch (st->tag) {
   case Ist_WrTmp: {
      IRExpr *data = st->Ist.WrTmp.data;
      if (data->tag == Iex_Load)
         count(to, LOAD, data->Iex.Load.addr, sizeofIRType(data->Iex.Load.ty), NULL);
      break;
   }
   case Ist_Store:
      count(to, STORE, st->Ist.Store.addr,
            sizeofIRType(typeOfIRExpr(to->tyenv, st->Ist.Store.data)), NULL);
      break;
   case Ist_LoadG: {
      IRLoadG *lg = st->Ist.LoadG.details;
      IRType type = Ity_INVALID, wide = Ity_INVALID;
      typeOfIRLoadGOp(lg->cvt, &wide, &type);
      count(to, LOAD, lg->addr, sizeofIRType(type), lg->guard);
      break;
   }
   case Ist_StoreG: {
      IRStoreG *sg = st->Ist.StoreG.details;
      count(to, STORE, sg->addr, sizeofIRType(typeOfIRExpr(to->tyenv, sg->data)), sg->guard);
      break;
   }
   case Ist_CAS: {
      IRCAS *cas = st->Ist.CAS.details;
      Int size = sizeofIRType(typeOfIRExpr(to->tyenv, cas->dataLo));
      if (cas->dataHi != NULL) size *= 2;
      count(to, LOAD, cas->addr, size, NULL);
      count(to, STORE, cas->addr, size, NULL);
      break;
   }
   case Ist_Dirty: {
      IRDirty *d = st->Ist.Dirty.details;
      if (d->mFx == Ifx_Read || d->mFx == Ifx_Modify)
         count(to, LOAD, d->mAddr, d->mSize, d->guard);
      if (d->mFx == Ifx_Write || d->mFx == Ifx_Modify)
         count(to, STORE, d->mAddr, d->mSize, d->guard);
      break;
   }
   default: break;
   }
}

static IRSB *instrument(VgCallbackClosure *closure, IRSB *from, const VexGuestLayout *layout,
                        const VexGuestExtents *extents, const VexArchInfo *archinfo,
                        IRType guest_word, IRType host_word) {
   Bool fast = VG_STREQ(fma, "fast");
   IRSB *to = deepCopyIRSBExceptStmts(from);
   Int n = 0, k;
   if (fast) begin_block(from);
   while (n < from->stmts_used) {
      Int begin = n++;
      Vector vector;
      Bool packed = False;
      while (n < from->stmts_used && from->stmts[n]->tag != Ist_IMark) n++;
      if (fast) packed = is_vector(from, begin, n, &vector);
      for (k = begin; k < n; k++) {
         IRStmt *st = from->stmts[k];
         if (packed && (is_part(st, &vector) || is_copy(st, &vector))) continue;
         if (simulating) counted(to, st);
         if (fast && fma_of(st) != NULL)
            addStmtToIRSB(to, IRStmt_WrTmp(st->Ist.WrTmp.tmp, multiply_add(to, fma_of(st))));
         else
            addStmtToIRSB(to, st);
      }
      if (!packed) continue;
      together(to, &vector);
      for (k = begin; k < n; k++)
         if (is_copy(from->stmts[k], &vector)) addStmtToIRSB(to, from->stmts[k]);
   }
   return to;
}

/* ---- marks */

static VgFile *out = NULL;

/* Of Valgrind's core; after a system call it is safe, munmap discards translations likewise. */
extern void VG_(discard_translations)(Addr start, ULong bytes, const HChar *who);

static void refuse(const HChar *name, const HChar *expected) {
   VG_(fmsg_bad_option)(name, "%s", expected); /* ends the program only while options are read */
   VG_(exit)(1);
}

static void write_counts(UInt mark) {
   UInt n, k;
   if (out == NULL) {
      HChar *name = VG_(expand_file_name)("--out", out_name);
      out = VG_(fopen)(name, VKI_O_WRONLY | VKI_O_CREAT | VKI_O_TRUNC, 0644);
      if (out == NULL) refuse("--out", "cannot be written\n");
   }
   VG_(fprintf)(out, "%u %llu %llu", mark, touched[LOAD], touched[STORE]);
   for (k = 0; k < 3; k++) VG_(fprintf)(out, " %llu", first_misses[k]);
   for (n = 0; n < sizes; n++)
      for (k = 0; k < 3; k++) VG_(fprintf)(out, " %llu", last[n].misses[k]);
   VG_(fprintf)(out, "\n");
}

static Bool is_mark(UInt number, const UWord *args) {
   return number == __NR_lseek && args[2] == VKI_SEEK_SET && args[1] - MARK < MARKS;
}

static void before_syscall(ThreadId thread, UInt number, UWord *args, UInt n_args) {
   if (is_mark(number, args)) write_counts(args[1] - MARK);
}

static void after_syscall(ThreadId thread, UInt number, UWord *args, UInt n_args, SysRes result) {
   if (simulating || !is_mark(number, args)) return;
   simulating = True;
   VG_(discard_translations)((Addr)0x1000, ~(ULong)0xfff, "data_cache");
}

/* ---- begin and end */

static Bool option(const HChar *argument) {
   Int bytes = 0;
   if VG_STR_CLO(argument, "--out", out_name) {}
   else if VG_STR_CLO(argument, "--trace", trace_name) {}
   else if VG_BINT_CLO(argument, "--ways", ways, 1, MOST_WAYS) {}
   else if VG_BINT_CLO(argument, "--first-ways", first_ways, 1, MOST_WAYS) {}
   else if VG_BINT_CLO(argument, "--first", bytes, 64, 1 << 30) { first_bytes = bytes; }
   else if VG_BINT_CLO(argument, "--cache", bytes, 64, 0x7fffffff) {
      if (sizes == MOST_SIZES) VG_(fmsg_bad_option)(argument, "at most %d sizes\n", MOST_SIZES);
      size_bytes[sizes++] = bytes;
   }
   else if VG_STR_CLO(argument, "--fma", fma) {
      if (!VG_STREQ(fma, "fast") && !VG_STREQ(fma, "exact"))
         VG_(fmsg_bad_option)(argument, "fast or exact\n");
   }
   else
      return False;
   return True;
}

static void usage(void) {
   VG_(printf)("    --out=FILE           counts at each mark\n"
               "    --cache=BYTES        of a last level; up to 16 times\n"
               "    --ways=N             of the last levels [16]\n"
               "    --first=BYTES        of the first level [32768]\n"
               "    --first-ways=N       [8]\n"
               "    --fma=fast|exact     single precision [fast]\n"
               "    --trace=FILE         every access: address, bytes, 1 for a store; 8 bytes each\n");
}

static void debug_usage(void) { VG_(printf)("    (none)\n"); }

static void begin(void) {
   UWord n, lines = first_bytes >> LINE_BITS, sets = lines / first_ways;
   if (out_name == NULL) refuse("--out", "a file is needed\n");
   if (!sets || (sets & (sets - 1)) || first_bytes != (sets * first_ways) << LINE_BITS)
      refuse("--first", "2, 4, 8, ... sets of ways of lines of 64 bytes\n");
   first_mask = sets - 1;
   first = VG_(malloc)("data_cache.first", lines * sizeof(UWord));
   for (n = 0; n < lines; n++) first[n] = NO_LINE;
   for (n = 0; n < sizes; n++) {
      Last *level = &last[n];
      level->sets = (size_bytes[n] >> LINE_BITS) / ways;
      if (!level->sets || size_bytes[n] != (level->sets * ways) << LINE_BITS)
         refuse("--cache", "whole sets of ways of lines of 64 bytes\n");
      level->mask = level->sets & (level->sets - 1) ? 0 : level->sets - 1;
      level->way = VG_(calloc)("data_cache.last", level->sets * ways, sizeof(Line *));
      everywhere |= 1u << n;
   }
   if (trace_name != NULL) {
      SysRes opened = VG_(open)(trace_name, VKI_O_WRONLY | VKI_O_CREAT | VKI_O_TRUNC, 0644);
      if (sr_isError(opened)) refuse("--trace", "cannot be written\n");
      trace_file = sr_Res(opened);
   }
}

static void end(Int exit_code) {
   if (out != NULL) VG_(fclose)(out);
}

static void describe(void) {
   VG_(details_name)("data_cache");
   VG_(details_version)("1");
   VG_(details_description)("DRAM traffic of data under caches of several sizes");
   VG_(details_copyright_author)("The memsim authors, Apache License 2.0");
   VG_(details_bug_reports_to)("the authors");
   VG_(details_avg_translation_sizeB)(500);
   VG_(basic_tool_funcs)(begin, instrument, end);
   VG_(needs_command_line_options)(option, usage, debug_usage);
   VG_(needs_syscall_wrapper)(before_syscall, after_syscall);
}

VG_DETERMINE_INTERFACE_VERSION(describe)
