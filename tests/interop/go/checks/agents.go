package checks

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// agents checks calls of an agent on the run plane.
func (s *suite) agents() {
	name := s.prefix + "-called"
	hello := object{"inputs": "Hello wörld"}
	run := func(ctx context.Context, name string, options ...option.RequestOption) (*http.Response, error) {
		return s.client.Run(ctx, s.workspace, "agent", name, http.MethodPost, "", hello, options...)
	}

	s.check("calling an agent: its address is where the SDK looks for it", func(ctx context.Context) {
		created := good(s.client.Agents.New(ctx, blaxel.AgentNewParams{Agent: blaxel.AgentParam{
			Metadata: blaxel.MetadataParam{Name: name},
			Spec: blaxel.AgentSpecParam{
				Enabled: blaxel.Bool(true),
				Runtime: blaxel.AgentRuntimeParam{
					Image:  blaxel.String("registry/agent:1"),
					Memory: blaxel.Int(2048),
				},
			},
		}}))
		equal(created.Metadata.URL, blaxel.BuildResourceURL(s.workspace, "agents", name))
	})

	s.check("calling an agent: it is reached, and its answer is JSON", func(ctx context.Context) {
		thread := option.WithHeader("X-Blaxel-Thread-Id", "t-42")
		response := good(run(ctx, name, thread, option.WithQuery("debug", "a b")))
		equal(response.StatusCode, 200)
		require(strings.HasPrefix(response.Header.Get("Content-Type"), "application/json"), "%v", response)
		var answer struct{ Output, Thread string }
		succeeded(json.Unmarshal([]byte(text(response)), &answer))
		require(strings.Contains(answer.Output, "Hello wörld"), "%v", answer)
		equal(answer.Thread, "t-42")
	})

	s.check("calling an agent: its address is looked up first", func(ctx context.Context) {
		requests := s.sent.during("", func() {
			response := good(s.client.RunWithMetadata(
				ctx, s.workspace, "agents", name, http.MethodPost, "some/path", hello,
			))
			require(strings.Contains(text(response), "Hello wörld"), "it did not answer")
		})
		equal(len(requests), 2)
		equal(requests[0].Method, http.MethodGet)
		require(strings.HasSuffix(requests[1].URL.Path, name+"/some/path"), "%v", requests[1].URL)
	})

	s.check("calling an agent: one that does not exist is the gateway's 404", func(ctx context.Context) {
		err := response(404, failed(run(ctx, "nobody-knows-me")))
		require(err.IsGatewayError() && !err.IsRetryable(), "%v", err)
		equal(err.BlaxelSource, "platform")
		equal(err.ErrorCode, blaxel.ErrWorkloadNotFound)
		equal(err.ErrorCode, err.Response.Header.Get("X-Blaxel-Error-Code"))
		equal(err.Status, 404)
		require(err.Message != "" && err.Action != "", "%v", err)
	})

	s.check("calling an agent: without a good credential it is refused with 401", func(ctx context.Context) {
		err := response(401, failed(run(ctx, name, option.WithAPIKey("bl_wrong_key"))))
		equal(err.ErrorCode, blaxel.ErrAuthenticationFailed)
		without := option.WithHeaderDel("Authorization")
		err = response(401, failed(run(ctx, name, without)))
		equal(err.ErrorCode, blaxel.ErrAuthenticationRequired)
	})

	s.check("calling an agent: after delete it is gone", func(ctx context.Context) {
		good(s.client.Agents.Delete(ctx, name))
		response(404, failed(run(ctx, name)))
	})
}
