# The app on a CPU, for those outside Hugging Face Spaces.
#   docker build --tag image-to-soundscape .
#   docker run --rm --publish 127.0.0.1:7860:7860 image-to-soundscape
# For a GPU, see docs/spaces.md#docker.
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN useradd --create-home --uid 1000 app
WORKDIR /app

# The requirements first: they change less often than the code, so this layer is kept.
COPY requirements.txt ./
RUN pip install --no-cache-dir "torch>=2.8,<2.14" --index-url "$TORCH_INDEX" \
 && pip install --no-cache-dir --requirement requirements.txt

# The code belongs to root: the app can read it, but not change it.
COPY app.py LICENSE README.md ./
COPY pipeline ./pipeline
COPY prompts ./prompts
COPY examples ./examples

USER 1000
ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/home/app/models
# Downloaded models stay in this volume.
RUN mkdir -p /home/app/models
VOLUME /home/app/models
EXPOSE 7860

HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/health', timeout=4)"]

CMD ["python", "app.py"]
