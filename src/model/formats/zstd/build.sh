#!/bin/sh
# Builds bytes.ts from zstd 1.5.7 (Meta, BSD-3-Clause): sh build.sh ZSTD/lib, where ZSTD is its unpacked source. Needs clang with
# wasm-ld. zstd takes 32-bit targets for slow ones and reads bits in 32-bit words there; WebAssembly has 64-bit registers, so the
# bit reader is switched to them (3-4 times faster, see docs/checkpoints.md).
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$1/." "$work/src"
cd "$work"
mkdir shim
echo '#define assert(x)' >shim/assert.h
: >shim/stdio.h
printf '#include <stddef.h>\nvoid* malloc(size_t); void* calloc(size_t,size_t); void free(void*);\n' >shim/stdlib.h
printf '#include <stddef.h>\nvoid *memcpy(void*,const void*,size_t); void *memmove(void*,const void*,size_t); void *memset(void*,int,size_t);\n' >shim/string.h
sed -i 's/MEM_32bits(void) { return sizeof(size_t)==4; }/MEM_32bits(void) { return 0; }/
s/MEM_64bits(void) { return sizeof(size_t)==8; }/MEM_64bits(void) { return 1; }/
s/MEM_STATIC size_t MEM_readLEST/MEM_STATIC U64 MEM_readLEST/
s/return (size_t)MEM_readLE64(memPtr)/return MEM_readLE64(memPtr)/' src/common/mem.h
sed -i 's/typedef size_t BitContainerType/typedef U64 BitContainerType/
s/MEM_STATIC size_t BIT_readBitsFast/MEM_STATIC BitContainerType BIT_readBitsFast/
s/MEM_STATIC size_t BIT_readBits(/MEM_STATIC BitContainerType BIT_readBits(/' src/common/bitstream.h
sed -i 's/^static size_t HUF_initFastDStream/static U64 HUF_initFastDStream/
s/size_t const value = MEM_readLEST(ip) | 1/U64 const value = MEM_readLEST(ip) | 1/
s/sizeof(size_t)/8/' src/decompress/huf_decompress.c
clang --target=wasm32 -O3 -nostdlib -Ishim -Isrc -Isrc/common -DZSTD_DISABLE_ASM -DZSTD_NO_INTRINSICS -DZSTD_LEGACY_SUPPORT=0 \
  -DNDEBUG -Wno-everything -mbulk-memory -Wl,--no-entry -Wl,-z,stack-size=65536 -Wl,--strip-all -o zstd.wasm "$here/decoder.c" \
  src/common/debug.c src/common/entropy_common.c src/common/error_private.c src/common/fse_decompress.c src/common/xxhash.c \
  src/common/zstd_common.c src/decompress/*.c
{
  echo '/** decoder.c and the decoder of zstd 1.5.7 (Copyright Meta Platforms, BSD-3-Clause, see LICENSES/zstd.txt), compiled by build.sh. */'
  echo 'export const ZSTD_BASE64 = ['
  base64 -w 100 zstd.wasm | sed "s/.*/  '&',/"
  echo "].join('');"
} >"$here/bytes.ts"
