{# USES_VARIABLES { _indices, t_in_timesteps } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% if sleeper %}
void view_{{sleeper}}(int _neuron, int64_t _now);
{% endif %}
{% endblock %}
{% block maincode %}
    if ({{t_in_timesteps}} % {{every}} == 0) {
        auto &_output = scnnbio::program().output({{number}});
        const size_t _vectorisation_idx = -1;
        {{scalar_code|autoindent}}
        for (int _i = 0; _i < _num_indices; _i++) {
            const int32_t _post_idx = {{_indices}}[_i];
            {% if sleeper %}
            view_{{sleeper}}(_post_idx, {{t_in_timesteps}} - 1);
            {% endif %}
            const size_t _vectorisation_idx = _post_idx;
            {{vector_code|autoindent}}
            const double _row[] = { {{sampled|join(", ")}} };
            _output.write(_row, sizeof _row);
        }
        {% if sleeper %}
        view_{{sleeper}}(-1, 0);
        {% endif %}
    }
{% endblock %}
