// Writing Protocol Buffers. Source: "Encoding", protobuf.dev: fields as varints, 32-bit values and
// length-delimited bytes. Messages are built inside out: a part first, then handed to its whole.
#ifndef RML_DEPLOY_PROTOBUF_H
#define RML_DEPLOY_PROTOBUF_H

#include "roadmill/base.h"

// A message in the making; all-zero is an empty one. After the first failure status stays.
typedef struct rml_proto {
    rml_buffer bytes;
    rml_status status;
    rml_error error;
} rml_proto;

void rml_proto_int(rml_proto *p, uint32_t field, int64_t value);
void rml_proto_float(rml_proto *p, uint32_t field, float value);
void rml_proto_bytes(rml_proto *p, uint32_t field, const void *data, size_t len);
void rml_proto_text(rml_proto *p, uint32_t field, const char *text);
// Appends part as a field and empties it.
void rml_proto_part(rml_proto *p, uint32_t field, rml_proto *part);
void rml_proto_reset(rml_proto *p);

#endif
