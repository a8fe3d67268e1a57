package sandbox

import (
	"errors"
	"fmt"
	"net/http"
)

// refuse returns a refusal and notes why.
func (c *call) refuse(code string, why error) *answer {
	c.event.Refusal = why.Error()
	return says("F", code, clip(why.Error()))
}

// clip keeps a resultMessage within its 256 characters.
func clip(text string) string {
	if r := []rune(text); len(r) > 256 {
		return string(r[:255]) + "…"
	}
	return text
}

// judge returns what Antom would refuse the request with, or nil and c.req. The
// signature comes first: before it is good nothing else is believed, and the
// refusal goes out unsigned, as from a gateway that does not know its caller.
func (c *call) judge() *answer {
	if err := c.verify(); err != nil {
		return c.refuse("INVALID_SIGNATURE", err)
	}
	c.event.Verified = true
	c.sealed = len(c.r.Header.Values("Encrypt")) > 0 && c.s.options.Encryption != "off"
	if err := c.checkHeaders(); err != nil {
		return c.refuse("PARAM_ILLEGAL", err)
	}
	if id := c.r.Header.Get("Client-Id"); id != c.s.options.ClientID {
		return c.refuse("CLIENT_INVALID", fmt.Errorf("Client-Id %q is not known here", id))
	}
	plain, refusal := c.decrypt()
	if refusal != nil {
		return refusal
	}
	if c.name == "" {
		return c.refuse("INVALID_API", fmt.Errorf("%s is no call of version 2", c.r.URL.Path))
	}
	if c.r.Method != http.MethodPost {
		return c.refuse("METHOD_NOT_SUPPORTED", fmt.Errorf("%s: every call is a POST", c.r.Method))
	}
	return c.parse(plain)
}

// verify checks the signature over the bytes that came (Antom v1, sign a
// request). What it reads of the headers it takes as it stands.
func (c *call) verify() error {
	h := c.r.Header
	value, err := oneHeader(h, "Signature")
	if err != nil {
		return err
	}
	clientID, err := oneHeader(h, "Client-Id")
	if err != nil {
		return err
	}
	stamp, err := oneHeader(h, "Request-Time")
	if err != nil {
		return err
	}
	part, err := parseKeyed("Signature", value, "RSA256", "signature")
	if err != nil {
		return err
	}
	c.version = part.keyVersion
	key := c.s.merchantKey(c.version)
	if key == nil {
		return fmt.Errorf("keyVersion %d in Signature is not known here, %d is", part.keyVersion, c.s.options.KeyVersion)
	}
	content := signedContent(c.r.Method, c.signed, clientID, stamp, c.body)
	return verifySignature(key, content, part.value)
}

func (c *call) checkHeaders() error {
	if err := checkContentType(c.r.Header); err != nil {
		return err
	}
	at, err := parseStamp(c.r.Header.Get("Request-Time"))
	if err != nil {
		return err
	}
	c.event.SkewMillis = at.Sub(c.at).Milliseconds()
	return nil
}

// decrypt returns the plain body, or the refusal of one that is not encrypted
// as it must be.
func (c *call) decrypt() ([]byte, *answer) {
	if c.s.options.Encryption == "off" {
		if len(c.r.Header.Values("Encrypt")) > 0 {
			return nil, c.refuse("INVALID_ENCRPT_DATA", errors.New("the header Encrypt is given, encryption is off here"))
		}
		return c.body, nil
	}
	value, err := oneHeader(c.r.Header, "Encrypt")
	if err != nil {
		return nil, c.refuse("INVALID_ENCRPT_DATA", err)
	}
	part, err := parseKeyed("Encrypt", value, "RSA_AES", "symmetricKey")
	if err != nil {
		return nil, c.refuse("INVALID_ENCRPT_DATA", err)
	}
	if part.keyVersion != c.version {
		return nil, c.refuse("KEY_NOT_FOUND", fmt.Errorf("keyVersion %d in Encrypt is not known here", part.keyVersion))
	}
	c.key, err = unwrapKey(c.s.options.AntomKey, part.value)
	if next := c.s.options.NextAntomKey; err != nil && next != nil {
		c.key, err = unwrapKey(next, part.value)
	}
	if err != nil {
		return nil, c.refuse("INVALID_ENCRPT_DATA", err)
	}
	plain, err := decryptBody(c.s.options.Cipher, c.key, c.body)
	if err != nil {
		return nil, c.refuse("INVALID_ENCRPT_DATA", err)
	}
	c.event.Encrypted = true
	return plain, nil
}

func (c *call) parse(plain []byte) *answer {
	req, err := parseRequest(c.name, plain, !c.s.options.AllowMissingExtendInfo)
	if err != nil {
		return c.refuse("PARAM_ILLEGAL", err)
	}
	c.req, c.event.ID = req, req.id()
	for _, a := range []amount{req.PaymentAmount, req.RefundAmount} {
		if a.Currency != "" {
			c.event.AmountMinor, c.event.Currency = a.ValueMinor, a.Currency
		}
	}
	return nil
}
