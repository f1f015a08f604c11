{# USES_VARIABLES { _eventspace, _winners, _muted, _won, _owner, excess, t_in_timesteps } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _winners, _muted, _won, _owner } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include <algorithm>
#include <cstdlib>
#include <vector>
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    {% set _events = get_array_name(eventspace_variable) %}
    int32_t *_crossed = {{_events}};
    const int _count = _crossed[_num_eventspace - 1];
    if ({{t_in_timesteps}} % {{period}} == 0) {
        for (int _m = 0; _m < {{O}}; _m++) {{_won}}[_m] = 0;
        for (int _p = 0; _p < {{places}}; _p++) {{_owner}}[_p] = 0;
    }
    int _winning = 0, _fired = 0, _learned = 0;
    for (int _m = 0; _m < {{O}}; _m++) _winning += {{_won}}[_m] != 0;
    {# Silenced neurons and maps with a winner are decided already, and need no order. #}
    std::vector<int32_t> _open, _mute;
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _post_idx = _crossed[_e];
        const int32_t _map_idx = _post_idx % {{O}};
        {% if silence %}
        const int _first = {{_owner}}[_post_idx / {{O}}];
        const bool _decided = {{_won}}[_map_idx] || _winning >= {{limit}};
        if (_first && (_decided || _first != _map_idx + 1)) continue;
        {% else %}
        if ({{_won}}[_map_idx] || _winning >= {{limit}}) continue;
        {% endif %}
        const size_t _vectorisation_idx = _post_idx;
        {{vector_code|autoindent}}
        _open.push_back(_post_idx);
    }
    std::sort(_open.begin(), _open.end(), [&](int32_t _a, int32_t _b) {
        if ({{excess}}[_a] != {{excess}}[_b]) return {{excess}}[_a] > {{excess}}[_b];
        {# The public number counts maps first. #}
        return _a % {{O}} != _b % {{O}} ? _a % {{O}} < _b % {{O}} : _a < _b;
    });
    for (int32_t _n : _open) {
        const int _m = _n % {{O}}, _p = _n / {{O}};
        {% if silence %}
        if ({{_owner}}[_p] == 0) {{_owner}}[_p] = _m + 1;
        if ({{_owner}}[_p] != _m + 1) continue;
        {% endif %}
        if ({{_won}}[_m] || _winning >= {{limit}}) continue;
        bool _free = true;
        for (int _o = 0; _o < {{O}} && _free; _o++) {
            if ({{_won}}[_o] == 0) continue;
            const int _q = {{_won}}[_o] - 1;
            const int _rows = std::abs(_p / {{OW}} - _q / {{OW}});
            const int _columns = std::abs(_p % {{OW}} - _q % {{OW}});
            _free = _rows > {{radius}} || _columns > {{radius}};
        }
        if (!_free) continue;
        {{_won}}[_m] = _p + 1;
        _winning++;
    }
    for (int _e = 0; _e < _count; _e++) {
        const int32_t _n = _crossed[_e];
        {% if silence %}
        if ({{_owner}}[_n / {{O}}] != _n % {{O}} + 1) {
            _mute.push_back(_n);
            continue;
        }
        {% endif %}
        _crossed[_fired++] = _n;
        if ({{_won}}[_n % {{O}}] == _n / {{O}} + 1) {{_winners}}[_learned++] = _n;
    }
    _crossed[_num_eventspace - 1] = _fired;
    {{_winners}}[{{O * places}}] = _learned;
    {{_muted}}[0] = _mute.size();
    for (int32_t _n : _mute) _crossed[_fired++] = _n;
{% endblock %}
