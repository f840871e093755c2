package checks

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
)

// A completion is a response of a model, or a chunk of one.
type completion struct {
	Object, Model string
	Choices       []struct {
		Message, Delta struct{ Role, Content string }
		FinishReason   string `json:"finish_reason"`
	}
	Usage *usage
}

type usage struct {
	Asked int `json:"prompt_tokens"`
	Told  int `json:"completion_tokens"`
	Total int `json:"total_tokens"`
}

// chat checks chats with a model, for which the SDK has a method that calls any workload.
func (s *suite) chat() {
	// ask sends a question with these members to a model.
	ask := func(ctx context.Context, members object) (*http.Response, error) {
		model := s.openAIModel(ctx)
		question := merged(object{
			"model": model.Spec.Runtime.Model,
			"messages": []object{
				{"role": "system", "content": "Be brief."},
				{"role": "user", "content": "Wie spät ist es?"},
			},
		}, members)
		return s.client.RunWithMetadata(
			ctx, s.workspace, "model", model.Metadata.Name, http.MethodPost, "v1/chat/completions", question,
		)
	}
	var whole completion

	s.check("model: its address is where the SDK looks for it", func(ctx context.Context) {
		model := s.openAIModel(ctx)
		equal(model.Metadata.URL, blaxel.BuildResourceURL(s.workspace, "models", model.Metadata.Name))
	})

	s.check("model: one that does not exist is the control plane's 404", func(ctx context.Context) {
		refused(404, failed(s.client.Models.Get(ctx, "nobody-knows-me")))
	})

	s.check("chat: a completion comes whole", func(ctx context.Context) {
		succeeded(json.Unmarshal([]byte(text(good(ask(ctx, nil)))), &whole))
		equal(whole.Object, "chat.completion")
		equal(whole.Model, s.openAIModel(ctx).Spec.Runtime.Model)
		choice := whole.Choices[0]
		equal(choice.Message.Role, "assistant")
		equal(choice.FinishReason, "stop")
		require(choice.Message.Content != "", "the message is empty")
		equal(whole.Usage.Asked+whole.Usage.Told, whole.Usage.Total)
	})

	s.check("chat: a stream comes in pieces, says the same and ends with the usage", func(ctx context.Context) {
		response := good(ask(ctx, object{
			"stream": true, "stream_options": object{"include_usage": true},
		}))
		defer response.Body.Close()
		var said, reason string
		var last completion
		pieces := 0
		for data := range events(response) {
			last = completion{}
			succeeded(json.Unmarshal([]byte(data), &last))
			equal(last.Object, "chat.completion.chunk")
			for _, choice := range last.Choices {
				said += choice.Delta.Content
				reason += choice.FinishReason
			}
			pieces++
		}
		require(pieces > 3, "%d pieces", pieces)
		equal(said, whole.Choices[0].Message.Content)
		equal(reason, "stop")
		equal(last.Usage, whole.Usage)
	})

	s.check("chat: the stream can be given up in the middle", func(ctx context.Context) {
		response := good(ask(ctx, object{"stream": true}))
		for range events(response) {
			break
		}
		succeeded(response.Body.Close())
		s.openAIModel(ctx)
	})

	s.check("chat: a question without messages is the model's own 400", func(ctx context.Context) {
		err := response(400, failed(ask(ctx, object{"messages": []object{}})))
		require(strings.Contains(err.RawJSON(), "invalid_request_error"), "%v", err)
		equal(err.BlaxelSource, "")
	})
}

// openAIModel returns the first model that supports chat completions.
func (s *suite) openAIModel(ctx context.Context) blaxel.Model {
	query := blaxel.ModelListParams{Sort: blaxel.ModelListParamsSortNameAsc}
	for _, model := range good(s.client.Models.List(ctx, query)).Data {
		if model.Spec.Runtime.Type == blaxel.ModelRuntimeTypeOpenAI {
			return model
		}
	}
	panic("there is no model of OpenAI")
}

// events returns an iterator over the data of server-sent events, without the last one.
func events(response *http.Response) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if data == "[DONE]" || found && !yield(data) {
				return
			}
		}
		succeeded(lines.Err())
	}
}
