// Package checks holds the checks, a file for each topic.
package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
	"github.com/blaxel-ai/sdk-go/packages/pagination"
	"github.com/blaxel-ai/sdk-go/packages/param"
)

const (
	// region is where all resources are created: the helpers of the SDK require one.
	region = "us-pdx-1"
	// deadline is the time limit of a check. The SDK has none by default.
	deadline = 15 * time.Second
)

// A suite runs the checks and counts their results.
type suite struct {
	// client has the API key and sends each request once.
	client blaxel.Client
	// sent records the requests of all clients.
	sent *recorder
	// prefix is the prefix of the names of all resources that the checks create.
	prefix string

	apiURL, runURL, workspace, apiKey, clientCredentials string

	passed, failed int
}

// Run runs all checks, prints their results, and returns how many passed and how many failed.
func Run() (passed, failed int) {
	s := &suite{
		sent:              &recorder{},
		prefix:            fmt.Sprintf("interop-go-%d", os.Getpid()),
		apiURL:            environment("BL_API_URL"),
		runURL:            environment("BL_RUN_URL"),
		workspace:         environment("BL_WORKSPACE"),
		apiKey:            environment("BL_API_KEY"),
		clientCredentials: environment("BL_CLIENT_CREDENTIALS"),
	}
	// With both in the environment, each client of the SDK would send both.
	for _, name := range []string{"BL_API_KEY", "BL_CLIENT_CREDENTIALS"} {
		os.Unsetenv(name)
	}
	s.client = s.newClient(option.WithAPIKey(s.apiKey))
	for _, topic := range []func(){
		s.signIn,
		s.lists,
		s.kinds,
		s.errors,
		s.agents,
		s.functions,
		s.chat,
		s.jobs,
		s.sandboxes,
		s.dataPlane,
		s.previews,
		s.schedules,
		s.storage,
		s.images,
		s.governance,
		s.access,
	} {
		topic()
	}
	return s.passed, s.failed
}

func environment(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Fprintf(os.Stderr, "the environment has no %s\n", name)
		os.Exit(1)
	}
	return value
}

// newClient returns a client whose requests are recorded, and sent once.
func (s *suite) newClient(options ...option.RequestOption) blaxel.Client {
	return blaxel.NewClient(append(s.options(), options...)...)
}

func (s *suite) options() []option.RequestOption {
	return []option.RequestOption{
		option.WithHTTPClient(&http.Client{Transport: s.sent}),
		option.WithMaxRetries(0),
	}
}

// check runs a check and prints its result. The check fails if its body panics, which it does by
// the functions below.
func (s *suite) check(name string, body func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if why := failure(ctx, body); why != "" {
		s.failed++
		fmt.Printf("not ok - %s: %s\n", name, why)
		return
	}
	s.passed++
	fmt.Printf("ok - %s\n", name)
}

// failure returns on one line why a check failed, or an empty string.
func failure(ctx context.Context, body func(ctx context.Context)) (why string) {
	defer func() {
		if reason := recover(); reason != nil {
			why = strings.Join(strings.Fields(fmt.Sprint(reason)), " ")
		}
	}()
	body(ctx)
	return ""
}

// require fails the check unless a condition is true.
func require(condition bool, format string, arguments ...any) {
	if !condition {
		panic(fmt.Sprintf(format, arguments...))
	}
}

// equal asserts that two values are equal.
func equal[T any](found, wanted T) {
	require(reflect.DeepEqual(found, wanted), "%v is not %v", found, wanted)
}

// good returns the result of a call that must succeed.
func good[T any](result T, err error) T {
	succeeded(err)
	return result
}

// succeeded asserts that a call without a result succeeded.
func succeeded(err error) {
	require(err == nil, "%v", err)
}

// failed returns the error of a call that must fail.
func failed[T any](result T, err error) error {
	require(err != nil, "it gave %v", result)
	return err
}

// response returns the error response that an error stands for, which must have this status.
func response(status int, err error) *blaxel.Error {
	var found *blaxel.Error
	require(errors.As(err, &found), "%v is no error response", err)
	require(found.StatusCode == status, "%v has not status %d", found, status)
	return found
}

// refused asserts that a call failed with this status, which the body repeats.
func refused(status int, err error) *blaxel.Error {
	found := response(status, err)
	body := objectOf(json.RawMessage(found.RawJSON()))
	message, _ := body["error"].(string)
	require(message != "" && body["code"] == float64(status), "%v", found)
	return found
}

// sandboxRefused is the same for the creation of sandboxes, whose error responses have another form.
func sandboxRefused(status int, err error) *blaxel.Error {
	found := response(status, err)
	body := objectOf(json.RawMessage(found.RawJSON()))
	complete := found.ErrorCode != "" && found.Message != ""
	require(complete && body["status_code"] == float64(status), "%v", found)
	return found
}

// until calls a function every 50 ms until it returns true.
func until(ctx context.Context, done func() bool) {
	for !done() {
		select {
		case <-ctx.Done():
			panic(ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// walk reads all pages of a list. It returns the items and the size of each page.
func walk[T any](page *pagination.CursorPage[T], err error) (items []T, sizes []int) {
	for good(page, err) != nil {
		items = append(items, page.Data...)
		sizes = append(sizes, len(page.Data))
		page, err = page.GetNextPage()
	}
	return items, sizes
}

// each returns a member of each item.
func each[T, M any](items []T, member func(T) M) []M {
	members := make([]M, 0, len(items))
	for _, item := range items {
		members = append(members, member(item))
	}
	return members
}

// An object is a JSON object.
type object = map[string]any

// objectOf returns the JSON object that a value is encoded as.
func objectOf(value any) object {
	var found object
	succeeded(json.Unmarshal(good(json.Marshal(value)), &found))
	return found
}

// within asserts that every member of part is in whole, at any depth. Lists must be equal.
func within(part, whole object, at string) {
	for name, wanted := range part {
		found, path := whole[name], at+"."+name
		inner, isObject := found.(object)
		if members, ok := wanted.(object); ok && isObject {
			within(members, inner, path)
			continue
		}
		require(reflect.DeepEqual(found, wanted), "%s is %v, not %v", path, found, wanted)
	}
}

// optional returns a parameter that is omitted if the text is empty.
func optional(text string) param.Opt[string] {
	if text == "" {
		return param.Opt[string]{}
	}
	return blaxel.String(text)
}

// ahead returns a time of the near future as the API writes it.
func ahead(by time.Duration) string {
	return time.Now().Add(by).UTC().Format(time.RFC3339Nano)
}

// send sends a request without the SDK.
func send(ctx context.Context, method, url string, header http.Header, body []byte) *http.Response {
	request := good(http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body)))
	if header != nil {
		request.Header = header
	}
	return good(http.DefaultClient.Do(request))
}

// text reads and closes the body of a response.
func text(response *http.Response) string {
	defer response.Body.Close()
	return string(good(io.ReadAll(response.Body)))
}
