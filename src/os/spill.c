// Files and folders that are nobody's: what does not fit in memory for a while.
#define _GNU_SOURCE
#include "roadmill/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "system.h"

#define PATH_SIZE_MAX 4096
#define PIECE ((size_t)1 << 20)

const char *rml_temporary_folder(void)
{
    static const char *const names[] = {"ROADMILL_TMP", "TMPDIR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rml_env(names[i]) != NULL) {
            return rml_env(names[i]);
        }
    }
    return "/tmp";
}

rml_status rml_spill_open(rml_spill *s, rml_error *err)
{
    char path[PATH_SIZE_MAX];
    *s = (rml_spill){0};
    snprintf(path, sizeof path, "%s/roadmill-XXXXXX", rml_temporary_folder());
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0) {
        return rml_system_fail(err, path, "cannot make a temporary file");
    }
    s->open = true;
    unlink(path);
    return RML_OK;
}

rml_status rml_spill_write(rml_spill *s, const void *data, size_t len, rml_error *err)
{
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t put = pwrite(s->fd, p, len, (off_t)s->size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return rml_system_fail(err, rml_temporary_folder(), "cannot write a temporary file");
        }
        p += put;
        len -= (size_t)put;
        s->size += (uint64_t)put;
    }
    return RML_OK;
}

rml_status rml_spill_read(const rml_spill *s, uint64_t offset, void *data, size_t len,
                          rml_error *err)
{
    uint8_t *p = data;
    while (len > 0) {
        ssize_t got = pread(s->fd, p, len, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return rml_system_fail(err, rml_temporary_folder(), "cannot read a temporary file");
        }
        p += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return RML_OK;
}

rml_status rml_spill_map(const rml_spill *s, rml_map_file *out, rml_error *err)
{
    *out = (rml_map_file){0};
    if (s->size == 0) {
        return RML_OK;
    }
    void *data = mmap(NULL, (size_t)s->size, PROT_READ, MAP_SHARED, s->fd, 0);
    if (data == MAP_FAILED) {
        return rml_system_fail(err, rml_temporary_folder(), "cannot map a temporary file");
    }
    out->bytes = rml_bytes_of(data, (size_t)s->size);
    out->handle = data;
    return RML_OK;
}

void rml_spill_close(rml_spill *s)
{
    if (s->open) {
        close(s->fd);
    }
    *s = (rml_spill){0};
}

rml_status rml_spill_stdin(rml_spill *s, rml_error *err)
{
    rml_buffer piece = {0};
    RML_TRY(rml_spill_open(s, err));
    rml_status st = rml_buffer_reserve(&piece, PIECE, err);
    while (st == RML_OK) {
        ssize_t got = read(STDIN_FILENO, piece.data, PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            st = rml_system_fail(err, "-", "cannot read standard input");
        } else if (got == 0) {
            break;
        } else {
            st = rml_spill_write(s, piece.data, (size_t)got, err);
        }
    }
    rml_buffer_reset(&piece);
    if (st) {
        rml_spill_close(s);
    }
    return st;
}

rml_status rml_folder_temporary(rml_arena *arena, rml_str *path, rml_error *err)
{
    *path = rml_arena_printf(arena, "%s/roadmill-XXXXXX", rml_temporary_folder());
    if (path->data == NULL) {
        return rml_fail_memory(err, PATH_SIZE_MAX);
    }
    // The arena's text is ours and ends with a zero.
    if (mkdtemp((char *)(uintptr_t)path->data) == NULL) {
        return rml_system_fail(err, path->data, "cannot make a temporary folder");
    }
    return RML_OK;
}
