"""Who belongs to the coalition: its metadata and how it changes, certificates, invitations, due diligence.

Everything here is sync; clocks are passed in.
"""
