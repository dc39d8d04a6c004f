// Files and folders by the POSIX calls. Writers put content beside the target, sync it, and only
// then give it its name, so a kill leaves the old state or the new one.
#define _GNU_SOURCE
#include "roadmill/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.h"

#define PATH_SIZE_MAX 4096
#define WRITE_PENDING_MAX ((size_t)1 << 20)

rml_status rml_system_fail(rml_error *err, const char *path, const char *doing)
{
    int number = errno;
    rml_status status = number == ENOENT   ? RML_ERR_MISSING
                        : number == EEXIST ? RML_ERR_EXISTS
                        : number == ENOMEM ? RML_ERR_MEMORY
                                           : RML_ERR_IO;
    const char *remedy = number == ENOENT   ? "check the path"
                         : number == EACCES ? "check the permissions"
                         : number == ENOSPC ? "free some space and run the same command again"
                                            : NULL;
    char text[128];
    const char *reason = strerror_r(number, text, sizeof text);
    return rml_fail(err, status, rml_place_file(rml_str_of(path)), remedy, "%s: %s", doing, reason);
}

rml_status rml_map_file_open(rml_map_file *m, const char *path, rml_error *err)
{
    *m = (rml_map_file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rml_system_fail(err, path, "cannot open");
    }
    struct stat info;
    if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : errno;
        rml_status st = rml_system_fail(err, path, "cannot read");
        close(fd);
        return st;
    }
    void *data = NULL;
    if (info.st_size > 0) {
        data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (data == MAP_FAILED) {
        return rml_system_fail(err, path, "cannot map");
    }
    m->bytes = rml_bytes_of(data, (size_t)info.st_size);
    m->handle = data;
    return RML_OK;
}

void rml_map_file_release(const rml_map_file *m, uint64_t offset, size_t len)
{
    if (m->handle == NULL || offset > m->bytes.len) {
        return;
    }
    // Whole pages inside the range; one that is cut stays, which costs nothing but itself.
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = ((size_t)offset + page - 1) / page * page;
    size_t left = m->bytes.len - (size_t)offset;
    size_t end = ((size_t)offset + (len < left ? len : left)) / page * page;
    if (end > first) {
        madvise((char *)m->handle + first, end - first, MADV_DONTNEED);
    }
}

void rml_map_file_close(rml_map_file *m)
{
    if (m->handle != NULL) {
        munmap(m->handle, m->bytes.len);
    }
    *m = (rml_map_file){0};
}

rml_status rml_file_read(const char *path, size_t most, rml_buffer *out, rml_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rml_system_fail(err, path, "cannot open");
    }
    rml_status st = RML_OK;
    size_t total = 0;
    for (;;) {
        st = rml_buffer_reserve(out, (size_t)1 << 16, err);
        if (st) {
            break;
        }
        ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            st = rml_system_fail(err, path, "cannot read");
            break;
        }
        if (got == 0) {
            break;
        }
        total += (size_t)got;
        out->len += (size_t)got;
        if (total > most) {
            st = rml_fail(err, RML_ERR_LIMIT, rml_place_file(rml_str_of(path)), NULL,
                          "expected at most %zu bytes, found more", most);
            break;
        }
    }
    close(fd);
    return st;
}

static rml_status write_all(int fd, const char *path, const uint8_t *data, size_t len,
                            rml_error *err)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return rml_system_fail(err, path, "cannot write");
        }
        data += put;
        len -= (size_t)put;
    }
    return RML_OK;
}

// Makes the new name in the folder durable.
void rml_system_sync_folder_of(const char *path)
{
    char folder[PATH_SIZE_MAX];
    rml_str name = rml_path_folder(rml_str_of(path));
    if (name.len >= sizeof folder) {
        return;
    }
    memcpy(folder, name.data, name.len);
    folder[name.len] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

// Standard output has no name to be given at the end: what is written is there.
static rml_status open_stdout(rml_file_writer *w, rml_error *err)
{
    w->path = rml_heap_make(2);
    if (w->path == NULL) {
        return rml_fail_memory(err, 2);
    }
    w->path[0] = '-';
    w->fd = dup(STDOUT_FILENO);
    if (w->fd < 0) {
        rml_file_writer_close(w);
        return rml_system_fail(err, "-", "cannot write to standard output");
    }
    return RML_OK;
}

rml_status rml_file_writer_open(rml_file_writer *w, const char *path, rml_error *err)
{
    *w = (rml_file_writer){.fd = -1};
    size_t len = strlen(path);
    if (strcmp(path, "-") == 0) {
        return open_stdout(w, err);
    }
    w->path = rml_heap_make(len + 1);
    w->temporary = rml_heap_make(len + 16);
    if (w->path == NULL || w->temporary == NULL) {
        rml_file_writer_close(w);
        return rml_fail_memory(err, len);
    }
    memcpy(w->path, path, len + 1);
    snprintf(w->temporary, len + 16, "%s.part-XXXXXX", path);
    w->fd = mkostemp(w->temporary, O_CLOEXEC);
    if (w->fd < 0) {
        rml_status st = rml_system_fail(err, path, "cannot write beside it");
        rml_heap_free(w->temporary);
        w->temporary = NULL;
        rml_file_writer_close(w);
        return st;
    }
    return RML_OK;
}

static rml_status writer_flush(rml_file_writer *w, rml_error *err)
{
    RML_TRY(write_all(w->fd, w->path, w->pending.data, w->pending.len, err));
    rml_buffer_clear(&w->pending);
    return RML_OK;
}

rml_status rml_file_writer_write(rml_file_writer *w, const void *data, size_t len, rml_error *err)
{
    if (w->pending.len + len > WRITE_PENDING_MAX) {
        RML_TRY(writer_flush(w, err));
    }
    if (len >= WRITE_PENDING_MAX) {
        RML_TRY(write_all(w->fd, w->path, data, len, err));
    } else {
        RML_TRY(rml_buffer_append(&w->pending, data, len, err));
    }
    w->size += len;
    return RML_OK;
}

rml_status rml_file_writer_patch(rml_file_writer *w, uint64_t offset, const void *data, size_t len,
                                 rml_error *err)
{
    RML_TRY(writer_flush(w, err));
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t put = pwrite(w->fd, p, len, (off_t)offset);
        if (put <= 0) {
            return rml_system_fail(err, w->path, "cannot write");
        }
        p += put;
        len -= (size_t)put;
        offset += (uint64_t)put;
    }
    return RML_OK;
}

rml_status rml_file_writer_rename(rml_file_writer *w, const char *path, rml_error *err)
{
    size_t size = strlen(path) + 1;
    char *copy = rml_heap_make(size);
    if (copy == NULL) {
        return rml_fail_memory(err, size);
    }
    memcpy(copy, path, size);
    rml_heap_free(w->path);
    w->path = copy;
    return RML_OK;
}

rml_status rml_file_writer_map(rml_file_writer *w, rml_map_file *out, rml_error *err)
{
    *out = (rml_map_file){0};
    RML_TRY(writer_flush(w, err));
    if (w->size == 0) {
        return RML_OK;
    }
    void *data = mmap(NULL, (size_t)w->size, PROT_READ, MAP_SHARED, w->fd, 0);
    if (data == MAP_FAILED) {
        return rml_system_fail(err, w->path, "cannot map");
    }
    out->bytes = rml_bytes_of(data, (size_t)w->size);
    out->handle = data;
    return RML_OK;
}

rml_status rml_file_writer_commit(rml_file_writer *w, bool replace, rml_error *err)
{
    RML_TRY(writer_flush(w, err));
    if (w->temporary == NULL) {
        rml_file_writer_close(w);
        return RML_OK;
    }
    if (fchmod(w->fd, 0644) != 0 || fsync(w->fd) != 0) {
        return rml_system_fail(err, w->path, "cannot sync");
    }
    if (replace) {
        if (rename(w->temporary, w->path) != 0) {
            return rml_system_fail(err, w->path, "cannot rename to");
        }
        rml_heap_free(w->temporary);
        w->temporary = NULL;
    } else if (link(w->temporary, w->path) != 0) {
        return rml_system_fail(err, w->path, "cannot link to");
    }
    rml_system_sync_folder_of(w->path);
    rml_file_writer_close(w);
    return RML_OK;
}

void rml_file_writer_close(rml_file_writer *w)
{
    if (w->path == NULL && w->temporary == NULL) {
        *w = (rml_file_writer){.fd = -1};
        return;
    }
    if (w->fd >= 0) {
        close(w->fd);
    }
    if (w->temporary != NULL) {
        unlink(w->temporary);
    }
    rml_heap_free(w->path);
    rml_heap_free(w->temporary);
    rml_buffer_reset(&w->pending);
    *w = (rml_file_writer){.fd = -1};
}

static rml_status put(const char *path, rml_bytes content, bool replace, rml_error *err)
{
    rml_file_writer w;
    RML_TRY(rml_file_writer_open(&w, path, err));
    rml_status st = rml_file_writer_write(&w, content.data, content.len, err);
    if (!st) {
        st = rml_file_writer_commit(&w, replace, err);
    }
    rml_file_writer_close(&w);
    return st;
}

rml_status rml_file_replace(const char *path, rml_bytes content, rml_error *err)
{
    return put(path, content, true, err);
}

rml_status rml_file_put_new(const char *path, rml_bytes content, rml_error *err)
{
    return put(path, content, false, err);
}

rml_status rml_file_link(const char *from, const char *to, rml_error *err)
{
    return link(from, to) == 0 ? RML_OK : rml_system_fail(err, to, "cannot link");
}

rml_status rml_file_remove(const char *path, rml_error *err)
{
    return unlink(path) == 0 ? RML_OK : rml_system_fail(err, path, "cannot remove");
}

rml_status rml_file_stat(const char *path, rml_file_info *out, rml_error *err)
{
    *out = (rml_file_info){0};
    struct stat info;
    if (stat(path, &info) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? RML_OK
                                                   : rml_system_fail(err, path, "cannot look at");
    }
    out->exists = true;
    out->is_folder = S_ISDIR(info.st_mode);
    out->size = (uint64_t)info.st_size;
    out->modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    return RML_OK;
}

bool rml_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
