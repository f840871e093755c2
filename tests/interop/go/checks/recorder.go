package checks

import (
	"net/http"
	"strings"
	"sync"
)

// A recorder sends requests and records them.
type recorder struct {
	mutex    sync.Mutex
	requests []*http.Request
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mutex.Lock()
	r.requests = append(r.requests, request)
	r.mutex.Unlock()
	return http.DefaultTransport.RoundTrip(request)
}

// during returns the requests that a function sends to paths with this end.
func (r *recorder) during(end string, body func()) []*http.Request {
	before := len(r.all())
	body()
	var found []*http.Request
	for _, request := range r.all()[before:] {
		if strings.HasSuffix(request.URL.Path, end) {
			found = append(found, request)
		}
	}
	return found
}

func (r *recorder) all() []*http.Request {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.requests
}
