package queue

import (
	"context"
	"hash/crc32"
	"os"
)

// bootFile holds a name that the kernel makes at every boot.
const bootFile = "/proc/sys/kernel/random/boot_id"

// newBoot reports whether the box was started anew since the store was last
// opened, and notes the present boot. Where the kernel does not tell, every start
// counts as one: the safe way round.
func (s *Store) newBoot(ctx context.Context) (bool, error) {
	was, err := s.fact(ctx, "boot")
	if err != nil {
		return true, err
	}
	now := int64(0)
	if id, err := os.ReadFile(bootFile); err == nil {
		now = int64(crc32.ChecksumIEEE(id)) + 1 // never 0, which is "not known"
	}
	if now == was {
		return now == 0, nil
	}
	_, err = s.write.ExecContext(ctx, "update fact set value = ? where name = 'boot'", now)
	return was != 0, wrap(err, "note the boot")
}
