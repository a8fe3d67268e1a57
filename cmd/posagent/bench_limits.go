package main

import (
	"crypto"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"posagent/queue"
)

// limits are what a sale cannot be faster than on this box: the disk and the
// cryptography alone, without an agent.
type limits struct {
	cryptography
	raw   *os.File
	store *queue.Store
	sales int
	row   queue.Payment // the one of the last commit
}

// cryptography is the RSA and AES of a call, by hand.
type cryptography struct {
	key             *rsa.PrivateKey // stands for both sides': they are of one size
	wrapped, signed []byte
	sum             [sha256.Size]byte
}

func newCryptography(key *rsa.PrivateKey) (c cryptography, err error) {
	c = cryptography{key: key, sum: sha256.Sum256([]byte("a body"))}
	if c.wrapped, err = c.wrap(); err != nil {
		return c, err
	}
	c.signed, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, c.sum[:])
	return c, err
}

// rawSpan is the file that is written over in blocks of rawBlock, as a disk's log is.
const (
	rawSpan  = 1 << 20
	rawBlock = 4096
)

func openLimits(dir string) (*limits, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	l := &limits{}
	if l.cryptography, err = newCryptography(key); err != nil {
		return nil, err
	}
	if l.raw, err = os.OpenFile(filepath.Join(dir, "raw"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, err
	}
	if _, err := l.raw.Write(make([]byte, rawSpan)); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if err := l.raw.Sync(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if l.store, err = queue.Open(filepath.Join(dir, "limit.db")); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *limits) close() error {
	err := l.raw.Close()
	if l.store != nil {
		err = errors.Join(err, l.store.Close())
	}
	return err
}

// sync writes 4 KiB over and waits until they are on the disk: the least that any
// durable promise costs.
func (l *limits) sync() error {
	block := make([]byte, rawBlock)
	block[0] = byte(l.sales)
	at := int64(l.sales*rawBlock) % rawSpan
	if _, err := l.raw.WriteAt(block, at); err != nil {
		return err
	}
	return fdatasync(l.raw)
}

func fdatasync(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = unix.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// commit stores a payment as the agent does, in one durable commit of the store.
func (l *limits) commit() error {
	l.sales++
	now := time.Now()
	id := fmt.Sprintf("LIMIT_%d", l.sales)
	l.row, _ = queue.Begin(now, siteRegister, queue.Command{ID: id, Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"}, time.Minute)
	return l.save(queue.Change[queue.Payment]{New: l.row, Events: []queue.Event{
		{ID: id, At: now, Kind: queue.EventStored, Text: "by lane1, 1050 SGD"},
		{ID: id, At: now, Kind: queue.EventAttempt, Text: "number 1"},
	}})
}

// outcome stores how that payment ended, in one durable commit.
func (l *limits) outcome() error {
	now := time.Now()
	success := queue.Result{Status: "S", Code: "SUCCESS", Message: "success"}
	ended, _ := queue.Policy{}.Step(now, l.row, queue.Answered{To: queue.Pay, Asked: now, Answer: queue.Answer{
		Verdict: queue.VerdictPaid, Result: success, PaymentID: "2026082319401089010011100000123456",
	}})
	ended.EndedSeq = int64(l.sales)
	return l.save(queue.Change[queue.Payment]{Old: l.row, New: ended, Events: []queue.Event{
		{ID: ended.ID, At: now, Kind: queue.EventAnswer, Text: "paid, S SUCCESS"},
		{ID: ended.ID, At: now, Kind: queue.EventOutcome, Text: "paid, S SUCCESS"},
	}})
}

func (l *limits) save(c queue.Change[queue.Payment]) error {
	return l.store.Save(queue.Batch{Payments: []queue.Change[queue.Payment]{c}})
}

func (c cryptography) wrap() ([]byte, error) {
	//nolint:staticcheck // Antom's API uses PKCS #1 v1.5 and nothing else.
	return rsa.EncryptPKCS1v15(rand.Reader, &c.key.PublicKey, make([]byte, 32))
}

// ask does the RSA and AES operations of a request.
func (c cryptography) ask() error {
	_, wrapErr := c.wrap()
	_, signErr := rsa.SignPKCS1v15(nil, c.key, crypto.SHA256, c.sum[:])
	return errors.Join(wrapErr, signErr, cipherBlocks(192))
}

// hear does the RSA and AES operations of an answer.
func (c cryptography) hear() error {
	verifyErr := rsa.VerifyPKCS1v15(&c.key.PublicKey, crypto.SHA256, c.sum[:], c.signed)
	//nolint:staticcheck // Antom's API uses PKCS #1 v1.5 and nothing else.
	_, unwrapErr := rsa.DecryptPKCS1v15(nil, c.key, c.wrapped)
	return errors.Join(verifyErr, unwrapErr, cipherBlocks(640))
}

// cipherBlocks encrypts n bytes.
func cipherBlocks(n int) error {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	text := make([]byte, n)
	for at := 0; at < n; at += aes.BlockSize {
		block.Encrypt(text[at:], text[at:])
	}
	return nil
}
