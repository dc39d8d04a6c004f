// Inside the room: blocks of an MDF file, version 4 (ASAM MDF 4.2, "File Structure"): a header,
// links to other blocks, data. And the few bytes of data that every reader needs.
#ifndef RML_LOG_MDF_BLOCK_H
#define RML_LOG_MDF_BLOCK_H

#include "format.h"
#include "roadmill/codec.h"

#define RML_MDF_HEADER 24
// Of any chain of blocks: what a file links in circles ends there.
#define RML_MDF_CHAIN_MAX 1000000
#define RML_MDF_REMEDY "roadmill log recover keeps what can be read"

typedef struct rml_mdf_block {
    char id[4]; // "HD", "DG"...: without the two # before it
    uint64_t offset;
    const uint8_t *links; // link_count of 8 bytes each
    size_t link_count;
    rml_bytes data; // behind the links
} rml_mdf_block;

// The block at an offset of the file, with at least so many links and bytes of data. id "": any.
rml_status rml_mdf_block_at(const rml_log *log, uint64_t offset, const char *id, size_t links,
                            size_t data, rml_mdf_block *out, rml_error *err) RML_CHECKED;
bool rml_mdf_block_is(const rml_mdf_block *b, const char *id);
static inline uint64_t rml_mdf_link(const rml_mdf_block *b, size_t index)
{
    return rml_load_u64(b->links + 8 * index);
}
// The text of a TX or MD block; of an MD block the content of <TX>, or of the element named. Empty
// where there is none. Borrows from the file.
rml_str rml_mdf_text(const rml_log *log, uint64_t offset);
double rml_mdf_f64(const uint8_t *p);

// ---- The data of a group or a channel: DT, SD, RD, DZ, and lists of them -----------------------

typedef struct rml_mdf_part {
    uint64_t offset;       // of its bytes in the file
    uint64_t stored, size; // there, and decompressed
    uint64_t at;           // of its first byte in the whole
    int zip;               // -1: not compressed; 0: deflate, 1: transposed too
    uint32_t zip_parameter;
} rml_mdf_part;
typedef struct rml_mdf_data {
    const rml_log *log;
    rml_array parts; // rml_mdf_part
    uint64_t size;
    size_t open; // index + 1 of the part in space; 0: none
    rml_buffer space, packed, carry;
    rml_codec_context codec;
    rml_error fault; // what ended the list before its time; status 0: nothing did
} rml_mdf_data;
// Lists the parts behind a link (0: none). A list that breaks off keeps what stands before; the
// fault is kept. to_end: the last part reaches to the end of the file, whatever its length says.
rml_status rml_mdf_data_open(rml_mdf_data *d, const rml_log *log, uint64_t link, bool to_end,
                             rml_error *err) RML_CHECKED;
// Bytes of the whole; borrow until the next call. Beyond the end is RML_END.
rml_status rml_mdf_data_read(rml_mdf_data *d, uint64_t at, size_t len, rml_bytes *out,
                             rml_error *err) RML_CHECKED;
// Where the byte stands in the file; compressed parts: their beginning.
uint64_t rml_mdf_data_place(const rml_mdf_data *d, uint64_t at);
void rml_mdf_data_reset(rml_mdf_data *d);

#endif
