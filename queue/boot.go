package queue

import (
	"context"
	"database/sql"
	"hash/crc32"
	"os"
)

// bootFile holds a name that the kernel makes at every boot.
const bootFile = "/proc/sys/kernel/random/boot_id"

// newBoot reports whether the box was started anew since the boot that the store
// knows of, and the present boot's number if that is to be noted; 0: it is not.
// Where the kernel does not tell, every start counts as one: the safe way round.
func (s *Store) newBoot(ctx context.Context) (anew bool, boot int64, err error) {
	was, err := s.fact(ctx, "boot")
	if err != nil {
		return true, 0, err
	}
	id, err := os.ReadFile(bootFile)
	if err != nil {
		return true, 0, nil //nolint:nilerr // not to know the boot is an answer
	}
	now := int64(crc32.ChecksumIEEE(id)) + 1 // never 0, which is "none so far"
	if now == was {
		return false, 0, nil
	}
	return was != 0, now, nil
}

// noteBoot notes the present boot. The rows that were taken up because of it are on
// the disk by then: a start that is cut short before is made up for by the next one.
func (s *Store) noteBoot(ctx context.Context, boot int64) error {
	return wrap(s.setFact(ctx, "boot", boot), "note the boot")
}

// setFact writes a single number.
func (s *Store) setFact(ctx context.Context, name string, value int64) error {
	return s.inOneCommit(ctx, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "update fact set value = ? where name = ?", value, name)
		return err
	})
}
