{{/* The application's name. */}}
{{- define "sagevpc.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The name of every object: the release's name, preceding the chart's unless it already holds it.
Cut to 50 characters, so that the longest suffix still leaves a name of at most 63.
*/}}
{{- define "sagevpc.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := include "sagevpc.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* The ServiceAccount that the controller runs as. */}}
{{- define "sagevpc.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sagevpc.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.create is false: set serviceAccount.name to one that exists" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* What selects the controller's pod. Immutable in a Deployment: nothing that changes between versions. */}}
{{- define "sagevpc.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sagevpc.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object. The pod's are fewer: a new chart alone is no reason to restart. */}}
{{- define "sagevpc.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sagevpc.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sagevpc
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The pod's labels. Where a pod label and a common label have the same key, the pod's holds. */}}
{{- define "sagevpc.podLabels" -}}
{{ include "sagevpc.selectorLabels" . }}
{{- with merge (dict) (default dict .Values.podLabels) (default dict .Values.commonLabels) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The image; a digest, being exact, wins over a tag. */}}
{{- define "sagevpc.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
