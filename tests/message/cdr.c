// CDR by ros2msg plans: each type at each alignment, both byte orders, the decode proof, the way
// back. Bytes are written out by hand from the rules (OMG DDS-RTPS 2.3 section 10).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/json.h"
#include "roadmill/base/random.h"
#include "roadmill/message.h"

static rml_message_plan *compile_as(const char *name, const char *text)
{
    rml_error err = {0};
    rml_message_plan *plan = NULL;
    rml_status st =
        rml_message_compile_ros2(rml_str_of(name), rml_str_of(text), RML_STR("test"), &plan, &err);
    if (st != RML_OK) {
        fail_msg("%s: %s", text, err.what);
    }
    return plan;
}

static rml_message_plan *compile(const char *text)
{
    return compile_as("test/msg/T", text);
}

// Hexadecimal text to bytes; spaces are skipped.
static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (const char *p = hex; *p != 0;) {
        unsigned v;
        if (*p == ' ') {
            p++;
            continue;
        }
        assert_int_equal(sscanf(p, "%2x", &v), 1);
        out[n++] = (uint8_t)v;
        p += 2;
    }
    return n;
}

static const struct {
    const char *name, *text, *hex, *json; // json NULL: a reject
} cases[] = {
    {"numbers of 8 bits", "bool a\nbyte b\nchar c\nint8 d\nuint8 e\n", "00010000 01 ff 41 ff 80",
     "{\"a\":true,\"b\":255,\"c\":65,\"d\":-1,\"e\":128}"},
    {"16 bits align to 2", "uint8 a\nint16 b\nuint16 c\n", "00010000 01 00 feff ffff",
     "{\"a\":1,\"b\":-2,\"c\":65535}"},
    {"32 bits align to 4", "uint8 a\nint32 b\nuint32 c\nfloat32 d\n",
     "00010000 01 000000 feffffff ffffffff 0000803f",
     "{\"a\":1,\"b\":-2,\"c\":4294967295,\"d\":1}"},
    {"64 bits align to 8", "uint8 a\nint64 b\n", "00010000 01 00000000000000 feffffffffffffff",
     "{\"a\":1,\"b\":-2}"},
    {"uint64 beyond 2^53 is text", "uint64 a\n", "00010000 ffffffffffffffff",
     "{\"a\":\"18446744073709551615\"}"},
    {"float64 after a string", "string s\nfloat64 x\n",
     "00010000 03000000 686900 00 000000000000f83f", "{\"s\":\"hi\",\"x\":1.5}"},
    {"alignment counts from behind the header", "int32 a\nfloat64 b\n",
     "00010000 07000000 00000000 000000000000f83f", "{\"a\":7,\"b\":1.5}"},
    {"big-endian", "uint8 a\nuint16 b\nuint32 c\nfloat64 d\nstring s\n",
     "00000000 01 00 0203 04050607 3ff8000000000000 00000003 686900",
     "{\"a\":1,\"b\":515,\"c\":67438087,\"d\":1.5,\"s\":\"hi\"}"},
    {"a run across nested types", "P p\nP q\n===\nMSG: test/P\nfloat64 x\nfloat64 y\n",
     "00010000 000000000000f03f 0000000000000040 0000000000000840 0000000000001040",
     "{\"p\":{\"x\":1,\"y\":2},\"q\":{\"x\":3,\"y\":4}}"},
    {"fixed array", "uint8 a\nint16[3] b\n", "00010000 01 00 0100 0200 0300",
     "{\"a\":1,\"b\":[1,2,3]}"},
    {"sequence", "uint32[] b\nuint8 c\n", "00010000 02000000 01000000 ffffffff 09",
     "{\"b\":[1,4294967295],\"c\":9}"},
    {"sequence of float64 aligns its elements", "float64[] b\n",
     "00010000 01000000 00000000 000000000000f83f", "{\"b\":[1.5]}"},
    {"an empty sequence aligns nothing", "float64[] b\nuint8 c\n", "00010000 00000000 05",
     "{\"b\":[],\"c\":5}"},
    {"bytes are binary", "uint8[] b\nbyte[2] c\n", "00010000 03000000 616263 6465",
     "{\"b\":\"YWJj\",\"c\":\"ZGU=\"}"},
    {"bounded sequence", "uint8[<=2] b\n", "00010000 02000000 6162", "{\"b\":\"YWI=\"}"},
    {"bounded sequence, too long", "int8[<=1] b\n", "00010000 02000000 6162", NULL},
    {"sequence of strings", "string[] b\n", "00010000 02000000 02000000 6100 0000 02000000 6200",
     "{\"b\":[\"a\",\"b\"]}"},
    {"sequence of structs", "P[] b\n===\nMSG: test/P\nuint8 x\nuint16 y\n",
     "00010000 02000000 01 00 0200 03 00 0400", "{\"b\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}]}"},
    {"doubles in a sequence of structs, and behind it",
     "Q q\nfloat64[2] e\n===\nMSG: test/Q\nP[] b\nfloat64 c\n===\nMSG: test/P\nfloat64 x\nfloat64 "
     "y\n",
     "00010000 02000000 00000000 000000000000f03f 0000000000000040 0000000000000840 "
     "0000000000001040 0000000000001440 0000000000001840 0000000000001c40",
     "{\"q\":{\"b\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}],\"c\":5},\"e\":[6,7]}"},
    {"fixed array of structs with sequences", "P[2] b\n===\nMSG: test/P\nuint8[] x\n",
     "00010000 01000000 61 000000 00000000", "{\"b\":[{\"x\":\"YQ==\"},{\"x\":\"\"}]}"},
    {"time and duration", "builtin_interfaces/Time t\nbuiltin_interfaces/Duration d\n",
     "00010000 01000000 02000000 ffffffff 00ca9a3a", "{\"t\":1000000002,\"d\":-16777216}"},
    {"bounded string", "string<=3 s\n", "00010000 04000000 61626300", "{\"s\":\"abc\"}"},
    {"bounded string, too long", "string<=2 s\n", "00010000 04000000 61626300", NULL},
    {"a string of length 0", "string s\n", "00010000 00000000", "{\"s\":\"\"}"},
    {"a string without its zero", "string s\n", "00010000 02000000 6869", "{\"s\":\"hi\"}"},
    {"a string that is not UTF-8", "string s\n", "00010000 03000000 fffe00", NULL},
    {"wstring of 4 bytes a character", "wstring s\n", "00010000 02000000 61000000 e4000000",
     "{\"s\":\"a\xc3\xa4\"}"},
    {"wstring of 2 bytes a character", "wstring s\n", "00010000 04000000 6100 e400 6200 6300",
     "{\"s\":\"a\xc3\xa4"
     "bc\"}"},
    {"wstring with a pair", "wstring s\n", "00010000 02000000 3dd80000 00de0000",
     "{\"s\":\"\xf0\x9f\x98\x80\"}"},
    {"a nested empty type has one byte", "E e\nuint8 x\n===\nMSG: test/E\n", "00010000 00 07",
     "{\"e\":{\"structure_needs_at_least_one_member\":0},\"x\":7}"},
    {"an empty message", "# nothing\n", "00010000 00", "{}"},
    {"an empty message without its byte", "", "00010000", "{}"},
    {"constants and defaults take no bytes",
     "uint8 A=1\nstring B=\"x # y\"\nint32 C = -5\nuint8 x 3\nstring s \"a b\"\nint8[] l [1, 2]\n",
     "00010000 04 000000 02000000 6100 0000 01000000 09", "{\"x\":4,\"s\":\"a\",\"l\":[9]}"},
    {"3 bytes of padding", "uint8 a\n", "00010000 01 000000", "{\"a\":1}"},
    {"4 bytes too many", "uint8 a\n", "00010000 01 00000000", NULL},
    {"1 byte too few", "uint32 a\n", "00010000 010000", NULL},
    {"a length beyond the end", "uint8[] a\n", "00010000 ffffffff 01", NULL},
    {"a count of structs beyond the end", "P[] a\n===\nMSG: test/P\nfloat64 x\n",
     "00010000 ffffffff 00000000 0000000000000000", NULL},
    {"no header", "uint8 a\n", "0001", NULL},
    {"parameter list CDR", "uint8 a\n", "00030000 01", NULL},
    {"a bool of 2", "bool a\n", "00010000 02", NULL},
    {"fields that differ by case", "uint8 a\nuint8 A\n", "00010000 01 02", "{\"a\":1,\"A_\":2}"},
    {"comments", "# c\nuint8 a # b\n  \n\tuint8   b\t# \"\r\n", "00010000 01 02",
     "{\"a\":1,\"b\":2}"},
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t data[256];
        size_t len = unhex(cases[i].hex, data);
        rml_error err = {0};
        rml_message_plan *plan = compile(cases[i].text);
        rml_batch batch;
        assert_int_equal(rml_batch_init(&batch, rml_message_schema(plan), &err), RML_OK);
        rml_status st =
            rml_message_decode(plan, rml_bytes_of(data, len), (rml_place){0}, batch.columns, &err);
        if (cases[i].json == NULL) {
            assert_int_not_equal(st, RML_OK);
            assert_true(strlen(err.what) > 0);
            for (size_t c = 0; c < batch.schema.count; c++) {
                assert_int_equal(batch.columns[c].count, 0);
            }
        } else {
            rml_buffer json = {0};
            rml_json_writer w;
            if (st != RML_OK) {
                fail_msg("%s: %s", cases[i].name, err.what);
            }
            rml_json_writer_init(&w, &json, &err);
            rml_message_json(batch.schema, batch.columns, 0, &w);
            assert_int_equal(rml_json_finish(&w), RML_OK);
            if (!rml_str_equal(rml_buffer_text(&json), rml_str_of(cases[i].json))) {
                fail_msg("%s: expected %s, found %.*s", cases[i].name, cases[i].json,
                         RML_FMT(rml_buffer_text(&json)));
            }
            rml_buffer_reset(&json);
        }
        rml_batch_reset(&batch);
        rml_message_plan_free(plan);
    }
}

static const struct {
    const char *name, *text, *says;
} schemas[] = {
    {"a type that is not defined", "Missing a\n", "expected a definition of Missing"},
    {"no name", "uint8\n", "expected a field"},
    {"a bad array", "uint8[x] a\n", "expected a field"},
    {"an array of 0", "uint8[0] a\n", "expected a field"},
    {"a bound on a number", "uint8<=3 a\n", "expected a bound"},
    {"a separator without MSG", "uint8 a\n===\nuint8 b\n", "expected \"MSG:"},
    {"a type inside itself", "T a\n===\nMSG: test/T\nT a\n", "nested at most 32"},
    {"too many fields by doubling",
     "A a\nA b\n===\nMSG: test/A\nB a\nB b\n===\nMSG: test/B\nC a\nC b\n===\nMSG: test/C\nD a\nD "
     "b\n"
     "===\nMSG: test/D\nE a\nE b\n===\nMSG: test/E\nF a\nF b\n===\nMSG: test/F\nG a\nG b\n"
     "===\nMSG: test/G\nH a\nH b\n===\nMSG: test/H\nI a\nI b\n===\nMSG: test/I\nJ a\nJ b\n"
     "===\nMSG: test/J\nK a\nK b\n===\nMSG: test/K\nL a\nL b\n===\nMSG: test/L\nM a\nM b\n"
     "===\nMSG: test/M\nuint8 a\n",
     "expected at most 4096 fields"},
};

static void each_bad_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        rml_error err = {0};
        rml_message_plan *plan = NULL;
        rml_status st = rml_message_compile_ros2(RML_STR("test/msg/T"), rml_str_of(schemas[i].text),
                                                 RML_STR("test"), &plan, &err);
        assert_int_not_equal(st, RML_OK);
        if (strstr(err.what, schemas[i].says) == NULL) {
            fail_msg("%s: expected \"%s\", found \"%s\"", schemas[i].name, schemas[i].says,
                     err.what);
        }
    }
}

// A reject in the middle leaves the rows before it, also below lists and after nulls.
static void a_reject_leaves_the_rows_before(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_message_plan *plan =
        compile("string s\nP[] p\nuint8 last\n===\nMSG: test/P\nfloat64[] x\nstring y\n");
    rml_batch batch, before;
    assert_int_equal(rml_batch_init(&batch, rml_message_schema(plan), &err), RML_OK);
    assert_int_equal(rml_batch_init(&before, rml_message_schema(plan), &err), RML_OK);
    uint8_t data[256];
    size_t len = unhex("00010000 02000000 6100 0000 01000000 01000000 000000000000f83f "
                       "02000000 6200 07",
                       data);
    for (size_t i = 0; i < 3; i++) {
        if (i == 1) {
            for (size_t c = 0; c < batch.schema.count; c++) {
                assert_int_equal(rml_column_null(&batch.columns[c], &err), RML_OK);
                assert_int_equal(rml_column_null(&before.columns[c], &err), RML_OK);
            }
        }
        assert_int_equal(
            rml_message_decode(plan, rml_bytes_of(data, len), (rml_place){0}, batch.columns, &err),
            RML_OK);
        assert_int_equal(
            rml_message_decode(plan, rml_bytes_of(data, len), (rml_place){0}, before.columns, &err),
            RML_OK);
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_not_equal(
            rml_message_decode(plan, rml_bytes_of(data, cut), (rml_place){0}, batch.columns, &err),
            RML_OK);
    }
    batch.count = before.count = 4;
    assert_int_equal(rml_batch_check(&batch, true, &err), RML_OK);
    for (size_t c = 0; c < batch.schema.count; c++) {
        const rml_column *a = &batch.columns[c], *b = &before.columns[c];
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->validity.len, b->validity.len);
        assert_memory_equal(a->validity.data, b->validity.data, a->validity.len);
        assert_int_equal(a->offsets.len, b->offsets.len);
        assert_int_equal(a->values.len, b->values.len);
    }
    rml_batch_reset(&batch);
    rml_batch_reset(&before);
    rml_message_plan_free(plan);
}

static const char everything[] =
    "bool a\nint8 b\nuint8 c\nint16 d\nuint16 e\nint32 f\nuint32 g\nint64 h\nuint64 i\n"
    "float32 j\nfloat64 k\nstring l\nwstring m\nbuiltin_interfaces/Time n\nfloat64[3] o\n"
    "int16[] p\nuint8[] q\nstring[] r\nP[] s\nP t\nE u\n"
    "===\nMSG: test/P\nuint8 x\nfloat64 y\nstring[<=3] z\n===\nMSG: test/E\n";

static void fill(const rml_field *field, rml_column *c, uint64_t seed, uint64_t *n)
{
    rml_error err = {0};
    uint64_t v = rml_random_u64(seed, 0, (*n)++);
    rml_status st = RML_OK;
    switch (field->type) {
    case RML_TYPE_BOOL:
        st = rml_column_bool(c, v & 1, &err);
        break;
    case RML_TYPE_I8:
        st = rml_column_i64(c, (int8_t)v, &err);
        break;
    case RML_TYPE_I16:
        st = rml_column_i64(c, (uint8_t)v & 0x7F, &err);
        break;
    case RML_TYPE_I32:
        st = rml_column_i64(c, (uint16_t)v & 0x7FFF, &err);
        break;
    case RML_TYPE_I64:
        st = rml_column_i64(c, (int64_t)(v >> 33), &err);
        break;
    case RML_TYPE_U64:
        st = rml_column_value(c, &v, &err);
        break;
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        st = rml_column_f64(c, (double)(float)v, &err);
        break;
    case RML_TYPE_STRING:
        st = rml_column_str(
            c,
            (rml_str){"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", (size_t[]){0, 1, 3, 6, 10}[v % 5]},
            &err);
        break;
    case RML_TYPE_BINARY:
        st = rml_column_bytes(c, &v, v % 9, &err);
        break;
    case RML_TYPE_LIST: {
        size_t count = rml_str_equal(field->name, RML_STR("o")) ? 3 : v % 4;
        for (size_t i = 0; i < count; i++) {
            fill(&field->children[0], &c->children[0], seed, n);
        }
        st = rml_column_list_end(c, &err);
        break;
    }
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < field->child_count; i++) {
            fill(&field->children[i], &c->children[i], seed, n);
        }
        st = rml_column_struct_end(c, &err);
        break;
    }
    assert_int_equal(st, RML_OK);
}

// Encode, decode, encode: the same bytes, for a thousand random rows.
static void encoding_is_the_way_back(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_message_plan *plan = compile(everything);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        rml_batch batch, again;
        rml_buffer first = {0}, second = {0};
        uint64_t n = 0;
        assert_int_equal(rml_batch_init(&batch, rml_message_schema(plan), &err), RML_OK);
        assert_int_equal(rml_batch_init(&again, rml_message_schema(plan), &err), RML_OK);
        for (size_t i = 0; i < batch.schema.count; i++) {
            fill(&batch.schema.fields[i], &batch.columns[i], seed, &n);
        }
        rml_status st = rml_message_encode(plan, batch.columns, 0, &first, &err);
        st = st ? st
                : rml_message_decode(plan, rml_buffer_bytes(&first), (rml_place){0}, again.columns,
                                     &err);
        st = st ? st : rml_message_encode(plan, again.columns, 0, &second, &err);
        if (st != RML_OK) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, err.what);
        }
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        rml_buffer_reset(&first);
        rml_buffer_reset(&second);
        rml_batch_reset(&batch);
        rml_batch_reset(&again);
    }
    rml_message_plan_free(plan);
}

static void builtins_compile(void **state)
{
    (void)state;
    static const char *const names[] = {"std_msgs/msg/Header", "sensor_msgs/msg/Imu",
                                        "sensor_msgs/msg/NavSatFix", "nav_msgs/msg/Odometry",
                                        "sensor_msgs/msg/CompressedImage"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rml_str text = rml_message_builtin(rml_str_of(names[i]));
        assert_true(text.len > 0);
        rml_message_plan_free(compile_as(names[i], text.data));
    }
    assert_int_equal(rml_message_builtin(RML_STR("none")).len, 0);
}

static void sensor_time_is_that_of_the_header(void **state)
{
    (void)state;
    rml_message_plan *plan = compile(rml_message_builtin(RML_STR("sensor_msgs/msg/Imu")).data);
    uint8_t data[64] = {0};
    int64_t ns = 0;
    unhex("00010000 02000000 05000000", data);
    assert_true(rml_message_sensor_ns(plan, rml_bytes_of(data, 12), &ns));
    assert_int_equal(ns, 2000000005);
    unhex("00000000 00000002 00000005", data);
    assert_true(rml_message_sensor_ns(plan, rml_bytes_of(data, 12), &ns));
    assert_int_equal(ns, 2000000005);
    assert_false(rml_message_sensor_ns(plan, rml_bytes_of(data, 11), &ns));
    rml_message_plan_free(plan);
    plan = compile("float64 x\n");
    assert_false(rml_message_sensor_ns(plan, rml_bytes_of(data, 12), &ns));
    rml_message_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(each_bad_schema),
        cmocka_unit_test(a_reject_leaves_the_rows_before),
        cmocka_unit_test(encoding_is_the_way_back),
        cmocka_unit_test(builtins_compile),
        cmocka_unit_test(sensor_time_is_that_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
