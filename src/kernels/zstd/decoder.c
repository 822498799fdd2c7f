/* The doors of the WebAssembly module zstd.wasm: a streaming decoder in memory that the caller hands over.
 * `npm run build:kernels -- --zstd LIB` compiles it. */
#define ZSTD_STATIC_LINKING_ONLY
#include "zstd.h"
#define EXPORT(name) __attribute__((export_name(name)))
typedef unsigned u32;

extern unsigned char __heap_base;
static ZSTD_DCtx *context;
static ZSTD_inBuffer input;
static ZSTD_outBuffer output;

EXPORT("heap") u32 heap(void) { return (u32)&__heap_base; }
/* Bytes of work space for frames of at most this window. */
EXPORT("need") u32 need(u32 window) { return ZSTD_estimateDStreamSize(window); }
/* Begins a new stream in the work space [at, at + size). 1 when it could. */
EXPORT("open") u32 open_stream(u32 at, u32 size, u32 max_window_log) {
  context = ZSTD_initStaticDCtx((void *)at, size);
  if (!context) return 0;
  return !ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, max_window_log));
}
/* Decodes some of src into some of dst. 0 at the end of a frame, else a hint or an error code. */
EXPORT("step") u32 step(u32 src, u32 count, u32 dst, u32 room) {
  input.src = (void *)src; input.size = count; input.pos = 0;
  output.dst = (void *)dst; output.size = room; output.pos = 0;
  return ZSTD_decompressStream(context, &output, &input);
}
EXPORT("consumed") u32 consumed(void) { return input.pos; }
EXPORT("produced") u32 produced(void) { return output.pos; }
EXPORT("failed") u32 failed(u32 code) { return ZSTD_isError(code); }
EXPORT("reason") u32 reason(u32 code) { return (u32)ZSTD_getErrorName(code); }

void *malloc(__SIZE_TYPE__ n) { return 0; }
void *calloc(__SIZE_TYPE__ n, __SIZE_TYPE__ m) { return 0; }
void free(void *p) {}
void *memcpy(void *d, const void *s, __SIZE_TYPE__ n) { return __builtin_memcpy(d, s, n); }
void *memmove(void *d, const void *s, __SIZE_TYPE__ n) { return __builtin_memmove(d, s, n); }
void *memset(void *d, int c, __SIZE_TYPE__ n) { return __builtin_memset(d, c, n); }
