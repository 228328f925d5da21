"""What OpenAI's client does with the gateway; the arguments are an open gateway's address, another one's, and its key."""

import sys

import openai

URL, KEYED, KEY = sys.argv[1:]
client = openai.OpenAI(base_url=URL + "/v1", api_key="anything", timeout=20)
HELLO = [{"role": "user", "content": "hello"}]
UP = {"provider": "up"}


def ask(model, **more):
    return client.chat.completions.create(model=model, messages=HELLO, extra_body=UP, **more)


def refused(kind, model, **more):
    try:
        ask(model, **more)
    except kind as error:
        return error
    raise AssertionError(f"{model} was not refused")


# Models.
ids = [model.id for model in client.models.list()]
assert "eliza" in ids, ids
assert client.models.retrieve("eliza").owned_by == "spare"
# The upstream is configured without models, and takes any name.
assert client.models.retrieve("any/thing").owned_by == "up"

# A whole answer.
answer = ask("ok-3")
assert answer.choices[0].message.content == "token token token ", answer
assert answer.usage.completion_tokens == 3, answer

# A stream, with its usage last.
chunks = list(ask("ok-4", stream=True, stream_options={"include_usage": True}))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == "token " * 4, text
assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 15, chunks[-1]

# An upstream that says nothing of its usage.
chunks = list(ask("no-usage", stream=True, stream_options={"include_usage": True}))
assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0, chunks[-1]

# Tools.
weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
call = ask("tools", tools=[weather]).choices[0].message.tool_calls[0]
assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Lima"}'), call

# A provider by its path.
spare = openai.OpenAI(base_url=URL + "/api/spare", api_key="anything")
raw = spare.chat.completions.with_raw_response.create(model="eliza", messages=HELLO)
assert raw.headers["x-sundown-provider"] == "spare"

# A stream that breaks off raises.
try:
    list(ask("truncated", stream=True))
    raise AssertionError("a broken stream went unnoticed")
except openai.APIError as error:
    assert "finish_reason" in str(error), error

# Errors have their classes. What was tried is not tried again, whatever the client's own rules say.
assert refused(openai.BadRequestError, "400").status_code == 400
assert refused(openai.UnprocessableEntityError, "422").status_code == 422
try:
    spare.chat.completions.create(model="nothing", messages=HELLO)
    raise AssertionError("there is such a model")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error.code
try:
    client.chat.completions.create(model="eliza", messages=HELLO, extra_body={"stream": "yes"})
    raise AssertionError("a stream that is no flag was taken")
except openai.BadRequestError as error:
    assert error.param == "stream", error.param

# Cancellation: both must be noticed upstream.
stream = ask("ok-9999-20", stream=True)
next(iter(stream))
stream.close()
client = client.with_options(max_retries=0)
refused(openai.APITimeoutError, "ok-9-1000", timeout=0.5)

# With keys, and what the client would try again by its own rules.
try:
    openai.OpenAI(base_url=KEYED + "/v1", api_key="sk-wrong").models.list()
    raise AssertionError("a wrong key was let in")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error.code
client = openai.OpenAI(base_url=KEYED + "/v1", api_key=KEY)
assert refused(openai.InternalServerError, "500").status_code >= 500
error = refused(openai.RateLimitError, "429")
assert error.response.headers["retry-after"] == "7", error.response.headers

client.close()
print("all is well")
