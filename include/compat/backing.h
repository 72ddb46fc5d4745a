/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of using a block device or a file; see zm_compat.h. */
#ifndef ZM_COMPAT_BACKING_H
#define ZM_COMPAT_BACKING_H

#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>

/*
 * Closes a file before it returns, or before its caller returns to user space: a
 * kernel thread's fput() would leave it open for a while. (So it does if it was the
 * last file of a file system that was unmounted lazily.)
 */
static inline void zm_compat_close(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file);
}

/* A block device opened by us: exclusively, for reading and writing. */
struct zm_compat_bdev {
	struct block_device *bdev;		/* NULL: none */
#ifdef ZM_HAVE_BDEV_FILE
	struct file *file;
#endif
};

#ifdef ZM_HAVE_BDEV_FILE

static inline int zm_compat_bdev_open(struct zm_compat_bdev *b, const char *path, void *holder)
{
	struct file *file = bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE,
						   holder, NULL);

	if (IS_ERR(file))
		return PTR_ERR(file);
	b->file = file;
	b->bdev = file_bdev(file);
	return 0;
}

static inline void zm_compat_bdev_close(struct zm_compat_bdev *b)
{
	if (current->flags & PF_KTHREAD)
		zm_compat_close(b->file);
	else
		bdev_fput(b->file);
}

#else

#define ZM_BDEV_MODE	(FMODE_READ | FMODE_WRITE | FMODE_EXCL)

static inline int zm_compat_bdev_open(struct zm_compat_bdev *b, const char *path, void *holder)
{
	struct block_device *bdev = blkdev_get_by_path(path, ZM_BDEV_MODE, holder);

	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	b->bdev = bdev;
	return 0;
}

static inline void zm_compat_bdev_close(struct zm_compat_bdev *b)
{
	blkdev_put(b->bdev, ZM_BDEV_MODE);
}

#endif

/*
 * Accesses to the file are no events to those who watch it: one who has to permit
 * them could be waiting for a page that is in it.
 */
static inline void zm_compat_no_events(struct file *file)
{
#ifdef FMODE_FSNOTIFY_MASK
	file->f_mode &= ~FMODE_FSNOTIFY_MASK;
#endif
	file->f_mode |= FMODE_NONOTIFY;
}

/* vfs_iter_write(), with the file system kept from freezing meanwhile. */
static inline ssize_t zm_compat_iter_write(struct file *file, struct iov_iter *iter, loff_t *pos)
{
#ifdef ZM_HAVE_FREEZE_SAFE_ITER_WRITE
	return vfs_iter_write(file, iter, pos, 0);
#else
	ssize_t ret;

	file_start_write(file);
	ret = vfs_iter_write(file, iter, pos, 0);
	file_end_write(file);
	return ret;
#endif
}

#endif /* ZM_COMPAT_BACKING_H */
